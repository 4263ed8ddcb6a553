// Uploads a file with box-node-sdk 10 to Box's own hosts, and reads the cards that a skill wrote
// for it: node pump.cjs. The mock at the other end sends the event.
'use strict';

const { Readable } = require('stream');
const { BoxClient, BoxDeveloperTokenAuth } = require('box-node-sdk-10');

const auth = new BoxDeveloperTokenAuth({ token: process.env.USER_TOKEN });
const client = new BoxClient({ auth });
const patience = Date.now() + 20_000;

async function cards(id) {
  for (;;) {
    try {
      const answer = await client.skills.getBoxSkillCardsOnFile(id);
      const found = (answer.rawData ?? answer).cards;
      if (found.some((card) => (card.skill_card_type ?? card.skillCardType) === 'transcript')) return found;
    } catch (error) {
      if (error.responseInfo?.statusCode !== 404) throw error;
    }
    if (Date.now() > patience) throw new Error('no cards within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

(async () => {
  const answer = await client.uploads.uploadFile({
    attributes: { name: 'from-node.txt', parent: { id: '0' } },
    file: Readable.from(Buffer.from('Lighthouse keepers count the waves.\n')),
  });
  const found = await cards(answer.entries[0].id);
  console.log(`pump: box-node-sdk 10 uploads, and reads ${found.length} cards back`);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
