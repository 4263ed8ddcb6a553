// Opens a cassette with a reader of HAR files from the registry: read-har.cjs FILE
'use strict';

const fs = require('fs');
const { har } = require('har-validator');

har(JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))).then(
  ({ log }) => console.log(`${log.entries.length} entries`),
  (error) => {
    console.error(process.argv[2], error.errors || error);
    process.exitCode = 1;
  },
);
