// The age of npm, as a command: `node age.mjs keygen`, `node age.mjs open IDENTITY`, `node age.mjs seal RECIPIENT…`.
// Files go through standard input and output.
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";
import { buffer } from "node:stream/consumers";

const [what, ...keys] = process.argv.slice(2);
const input = async () => new Uint8Array(await buffer(process.stdin));

switch (what) {
  case "keygen": {
    const identity = await generateHybridIdentity();
    process.stdout.write(`${identity}\n${await identityToRecipient(identity)}\n`);
    break;
  }
  case "open": {
    const reader = new Decrypter();
    keys.forEach((key) => reader.addIdentity(key));
    process.stdout.write(await reader.decrypt(await input()));
    break;
  }
  case "seal": {
    const writer = new Encrypter();
    keys.forEach((key) => writer.addRecipient(key));
    process.stdout.write(await writer.encrypt(await input()));
    break;
  }
  default:
    process.stderr.write("usage: age.mjs keygen | open IDENTITY... | seal RECIPIENT...\n");
    process.exitCode = 2;
}
