// The far end of a guest's network, in a network namespace of the lab: a file to fetch, a place to send one to, a name server.
// Arguments: the file. Prints "peer: ready" when all of it listens.
const { createHash } = require('node:crypto');
const { createSocket } = require('node:dgram');
const { createReadStream } = require('node:fs');
const { createServer } = require('node:net');

const [file] = process.argv.slice(2);
const listening = [];
const listen = (server, port) => listening.push(new Promise(resolve => server.listen(port, resolve)));
const ignore = () => {};

// Port 7001: sends the file.
listen(
  createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', ignore);
    createReadStream(file).pipe(socket);
  }),
  7001,
);

// Port 7002: takes what comes and answers with its SHA-256.
listen(
  createServer({ allowHalfOpen: true }, socket => {
    const hash = createHash('sha256');
    socket.on('error', ignore);
    socket.on('data', chunk => hash.update(chunk));
    socket.on('end', () => socket.end(`${hash.digest('hex')}\n`));
  }),
  7002,
);

// Port 53: every name has the address 192.0.2.7, and a question for anything else has no answer.
const names = createSocket('udp4', (question, { address, port }) => {
  const end = 12 + question.subarray(12).indexOf(0) + 5;
  const wantsAddress = question.readUInt16BE(end - 4) === 1;
  const head = Buffer.from(question.subarray(0, end));
  head.writeUInt16BE(0x8580, 2);
  head.writeUInt16BE(wantsAddress ? 1 : 0, 6);
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
  names.send(wantsAddress ? Buffer.concat([head, answer]) : head, port, address);
});
listening.push(new Promise(resolve => names.bind(53, resolve)));

Promise.all(listening).then(() => process.stdout.write('peer: ready\n'));
