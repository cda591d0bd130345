import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { getInterop } from '@digicatapult/dtdl-parser';

/** @param {string} folder */
function interfacesIn(folder) {
  const url = new URL(folder, import.meta.url);
  const names = readdirSync(url).filter((name) => name.endsWith('.json'));
  return names.map((name) => JSON.parse(readFileSync(new URL(name, url), 'utf8')));
}

describe('The published model', async () => {
  // Microsoft's own parser (DTDLParser for .NET), in WebAssembly.
  const parser = await getInterop();
  const ours = interfacesIn('../../docs/contract/dtdl/');
  const theirs = interfacesIn('dtdl/');
  /** @param {unknown[]} interfaces */
  const parse = (interfaces) => JSON.parse(parser.parse(JSON.stringify(interfaces)));

  it('is DTDL, and whole', () => {
    const model = parse([...ours, ...theirs]);
    const box = model['dtmi:amora:device;1'];
    assert.equal(box.EntityKind, 'Interface');
    for (const name of ['deviceUpdate', 'deviceInformation', 'player', 'volume', 'config', 'state', 'event', 'play']) {
      assert.ok(name in box.contents, name);
    }
    assert.equal(model[box.contents.config].writable, true);
    assert.ok(!('diagnosticInformation' in box.contents));
  });

  it('would be refused with a mistake', () => {
    const wrong = structuredClone(ours);
    wrong.find((one) => one['@id'] === 'dtmi:amora:player;1').contents[0].name = 'player.play';
    assert.throws(() => parse([...wrong, ...theirs]), /stringInvalid/);
    assert.throws(() => parse(ours), /Resolution/);
  });
});
