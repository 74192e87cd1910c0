"use strict";
// Connections to the drivers' default port go to the server under test.
const net = require("node:net");

const DEFAULT_PORT = 28015;
const port = Number(process.env.PHOTONDB_PORT);
const connect = net.Socket.prototype.connect;

/** Options of a connection, with the port replaced. */
function redirected(options) {
  const isOptions = typeof options === "object" && options !== null && !Array.isArray(options);
  return isOptions && Number(options.port) === DEFAULT_PORT ? { ...options, port } : options;
}

net.Socket.prototype.connect = function (...args) {
  if (Array.isArray(args[0])) {
    // Node's own normalised arguments carry a mark: they are changed in place.
    args[0][0] = redirected(args[0][0]);
  } else if (Number(args[0]) === DEFAULT_PORT) {
    args[0] = port;
  } else {
    args[0] = redirected(args[0]);
  }
  return connect.apply(this, args);
};
