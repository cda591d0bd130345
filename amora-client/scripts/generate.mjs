#!/usr/bin/env node
/**
 * Writes the list of commands and all types from the published contract. With `--check` it changes nothing and fails where they are stale.
 *
 *     node scripts/generate.mjs [--check]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { methodName } from '../src/catalogue.js';

const CONTRACT = new URL('../../docs/contract/', import.meta.url);
const SOURCE = new URL('../src/', import.meta.url);
const WIDTH = 132;

/** @param {string} name */
const read = async (name) => JSON.parse(await readFile(new URL(name, CONTRACT), 'utf8'));
const openapi = await read('openapi.json');
const levels = await read('schemas/levels.json');

/** Types of the state document, which both files need. */
const STATE_TYPES = ['State'];

/** @typedef {any} Schema */
/** @type {Record<string, Schema>} */
const schemas = { ...openapi.components.schemas, ...levels.$defs, Levels: levels };

const commands = Object.entries(openapi.paths)
  .filter(([path]) => path.startsWith('/api/commands/') && !path.includes('{'))
  .map(([path, { post }]) => {
    const [section, verb] = path.slice('/api/commands/'.length).split('.');
    const body = post.requestBody;
    return { section, verb, summary: post.summary, params: body?.content['application/json'].schema, required: body?.required === true, reply: post.responses[200].content['application/json'].schema.properties.data };
  });

/** @param {Schema} schema @returns {string} */
function typeOf(schema) {
  if (schema === true || schema === undefined) return 'unknown';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if ('const' in schema) return quoted(schema.const);
  if (schema.enum) return schema.enum.map(quoted).join(' | ');
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(' | ');
  if (Array.isArray(schema.type)) return schema.type.map((/** @type {string} */ type) => typeOf({ ...schema, type })).join(' | ');
  switch (schema.type) {
    case 'string': return 'string';
    case 'boolean': return 'boolean';
    case 'integer': case 'number': return 'number';
    case 'null': return 'null';
    case 'array': return arrayOf(schema);
    case 'object': return objectOf(schema);
    default: return 'unknown';
  }
}

/** @param {Schema} schema */
function arrayOf(schema) {
  if (schema.prefixItems) return `[${schema.prefixItems.map(typeOf).join(', ')}]`;
  const item = typeOf(schema.items);
  const { minItems, maxItems } = schema;
  if (minItems === maxItems && minItems > 0 && minItems <= 4) return `[${Array(minItems).fill(item).join(', ')}]`;
  return item.includes('|') ? `(${item})[]` : `${item}[]`;
}

/** @param {Schema} schema */
function objectOf(schema) {
  if (!schema.properties) return typeof schema.additionalProperties === 'object' ? `Record<string, ${typeOf(schema.additionalProperties)}>` : 'Record<string, unknown>';
  return `{ ${fieldsOf(schema).map(({ name, optional, type }) => `${name}${optional ? '?' : ''}: ${type}`).join('; ')} }`;
}

/** @param {Schema} schema */
function fieldsOf(schema) {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({ name, optional: !schema.required?.includes(name), type: typeOf(property), text: property.description }));
}

/** @param {string} name */
function declare(name) {
  const schema = schemas[name];
  const head = schema.description ? `/** ${oneLine(schema.description)} */\n` : '';
  if (schema.type !== 'object' || !schema.properties) {
    const empty = schema.type === 'object' && !schema.additionalProperties;
    return `${head}export type ${name} = ${empty ? 'Record<string, never>' : typeOf(schema)};\n`;
  }
  const fields = fieldsOf(schema).map(({ name: field, optional, type, text }) => `${text ? `  /** ${oneLine(text)} */\n` : ''}  ${field}${optional ? '?' : ''}: ${type};\n`);
  return `${head}export interface ${name} {\n${fields.join('')}}\n`;
}

/** Every named type that a schema needs, itself included. @param {string[]} names */
function closure(names) {
  const found = new Set(/** @type {string[]} */ ([]));
  const visit = (/** @type {string} */ name) => {
    if (found.has(name) || !schemas[name]) return;
    found.add(name);
    for (const [, inner] of JSON.stringify(schemas[name]).matchAll(/"\$ref":"#\/(?:components\/schemas|\$defs)\/(\w+)"/g)) visit(inner);
  };
  names.forEach(visit);
  return found;
}

const stateTypes = closure([...STATE_TYPES, 'Levels', 'Tag', 'Output']);
const commandTypes = closure(commands.flatMap(({ params, reply }) => [params, reply]).map((schema) => schema?.$ref?.split('/').at(-1)).filter(Boolean));
const onlyCommands = [...commandTypes].filter((name) => !stateTypes.has(name)).sort();
const shared = [...stateTypes].filter((name) => commandTypes.has(name)).sort();
const sections = [...new Set(commands.map(({ section }) => section))];
const titles = /** @type {Record<string, string>} */ ({ player: 'Music: playback, queue, library, playlists, outputs.', audio: 'The sound card and what is mixed into it.', system: 'The box itself.' });

const HEADER = 'Generated from docs/contract by scripts/generate.mjs.';
const files = {
  'catalogue.js': `/** ${HEADER} */

/**
 * Every command a box knows, as the published contract names it.
 * @type {Readonly<Record<${sections.map(quoted).join(' | ')}, readonly string[]>>}
 */
export const CATALOGUE = Object.freeze({
${sections.map((section) => `  ${section}: [\n${wrapped(commands.filter((command) => command.section === section).map(({ verb }) => quoted(verb)))}\n  ],\n`).join('')}});

/** @param {string} name a command's verb, \`snake_case\` */
export function methodName(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}
`,
  'state.d.ts': `/** ${HEADER} */

${[...stateTypes].sort().map(declare).join('\n')}
/** Something that happened: \`section.happening\`, for example \`player.song_changed\`. */
export interface BoxEvent {
  time: Timestamp;
  event: string;
  data: Record<string, unknown>;
}
`,
  'commands.d.ts': `/** ${HEADER} */

import type { ${shared.join(', ')} } from './state.d.ts';

${onlyCommands.map(declare).join('\n')}
${sections.map((section) => `/** ${titles[section] ?? `The \`${section}\` section.`} */\nexport interface ${capital(section)}Commands {\n${commands.filter((command) => command.section === section).map(methodOf).join('')}}\n`).join('\n')}
/** Every command of a box, a group per section. */
export interface Sections {
${sections.map((section) => `  ${section}: ${capital(section)}Commands;\n`).join('')}}
`,
};

/** @param {(typeof commands)[number]} command */
function methodOf({ verb, summary, params, required, reply }) {
  const parameter = params ? `params${required ? '' : '?'}: ${typeOf(params)}` : '';
  return `  /** ${oneLine(summary)} */\n  ${methodName(verb)}(${parameter}): Promise<${typeOf(reply)}>;\n`;
}

/** @param {string[]} words */
function wrapped(words) {
  const lines = [''];
  for (const word of words) {
    if (lines[lines.length - 1].length + word.length + 6 > WIDTH) lines.push('');
    lines[lines.length - 1] += `${lines[lines.length - 1] ? ' ' : ''}${word},`;
  }
  return lines.map((line) => `    ${line}`).join('\n');
}

/** @param {unknown} value */
function quoted(value) {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

/** @param {string} text */
function oneLine(text) {
  return text.trim().replaceAll(/\s+/g, ' ').replaceAll('*/', '*\\/');
}

/** @param {string} text */
function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

const stale = [];
for (const [name, text] of Object.entries(files)) {
  const file = new URL(name, SOURCE);
  if ((await readFile(file, 'utf8').catch(() => '')) === text) continue;
  if (process.argv.includes('--check')) stale.push(fileURLToPath(file));
  else await writeFile(file, text);
}
if (stale.length > 0) {
  console.error(`stale, run \`npm run generate\`:\n${stale.join('\n')}`);
  process.exitCode = 1;
}
