#!/usr/bin/env node
'use strict';

// Starts the binary of this platform. npm installs it as an optional dependency.

const { spawnSync } = require('node:child_process');
const os = require('node:os');

const name = `box-skillctl-${process.platform}-${process.arch}`;

function binary() {
  try {
    return require.resolve(`${name}/skillctl`);
  } catch {
    console.error(`skillctl: the package ${name} is not installed.`);
    console.error('Install again without --omit=optional, or build from source:');
    console.error('  cargo install --locked box-skillctl');
    process.exit(3);
  }
}

// The terminal sends Ctrl-C to both processes. The binary decides how to end; this one waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

const result = spawnSync(binary(), process.argv.slice(2), { stdio: 'inherit' });
if (result.error) {
  console.error(`skillctl: ${result.error.message}`);
  process.exit(3);
}
if (result.signal) process.exit(128 + os.constants.signals[result.signal]);
process.exit(result.status);
