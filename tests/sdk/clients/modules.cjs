// Loads a client from the lock file next door.
'use strict';

const path = require('path');
const { createRequire } = require('module');

const require_ = createRequire(path.join(__dirname, '..', 'node', 'package.json'));

exports.modules = (name) => {
  const required = require_(name);
  return required.default || required;
};
