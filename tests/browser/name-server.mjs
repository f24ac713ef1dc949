// A name server on loopback that knows TXT records alone (RFC 1035 §4.1), by UDP.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const TXT = 16;
const INTERNET = 1;
/** Stands for the name that was asked for: where the question has it. */
const NAME_OF_QUESTION = 0xc00c;
const ANSWER = 0x8180;
const NO_SUCH_NAME = ANSWER | 3;

/** `records` by name, in lower case; read at each question. */
export async function startNameServer(records) {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = question(query);
    const text = records.get(name);
    const answers = text && type === TXT ? [record(text)] : [];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2); // the id
    header.writeUInt16BE(text ? ANSWER : NO_SUCH_NAME, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { address: `127.0.0.1:${socket.address().port}`, stop: () => socket.close() };
}

function question(query) {
  const labels = [];
  let at = 12;
  while (query[at]) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
    at += 1 + query[at];
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function record(text) {
  const data = Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(NAME_OF_QUESTION, 0);
  head.writeUInt16BE(TXT, 2);
  head.writeUInt16BE(INTERNET, 4);
  head.writeUInt32BE(60, 6); // seconds that it may be kept
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
