// Shows the box's OpenAPI document to people.

/** @typedef {{ $ref?: string, type?: string | string[], description?: string, enum?: unknown[], const?: unknown,
 *   properties?: Record<string, Schema>, required?: string[], items?: Schema, anyOf?: Schema[], oneOf?: Schema[],
 *   default?: unknown, minimum?: number, maximum?: number }} Schema */
/** @typedef {{ operationId?: string, summary?: string, description?: string, tags?: string[],
 *   requestBody?: { content: Record<string, { schema: Schema }> },
 *   parameters?: { name: string, in: string, description?: string, required?: boolean, schema?: Schema }[],
 *   responses?: Record<string, { $ref?: string, description?: string, content?: Record<string, { schema?: Schema }> }> }} Operation */
/** @typedef {{ info: { title: string, version: string, description?: string }, paths: Record<string, Record<string, Operation>>,
 *   components?: { schemas?: Record<string, Schema> } }} Document */

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/**
 * An element with its children.
 * @param {string} name @param {Record<string, string>} attributes @param {...(Node | string)} children
 */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** What a reference points at. @param {Document} api @param {any} value */
function resolve(api, value) {
  for (let steps = 0; value?.$ref && steps < 8; steps += 1) {
    const { $ref, ...beside } = value;
    let target = /** @type {any} */ (api);
    for (const part of $ref.replace(/^#\//, '').split('/')) target = target?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
    value = { ...target, ...beside };
  }
  return value ?? {};
}

/** A text in which `words` are code. @param {string} text @returns {(Node | string)[]} */
function prose(text) {
  return text.split('`').map((part, index) => (index % 2 ? element('code', {}, part) : part));
}

/** The same separator between all. @param {(Node | string)[][]} lists @returns {(Node | string)[]} */
function separated(lists) {
  return lists.flatMap((list, index) => (index ? [' | ', ...list] : list));
}

/** A schema in one line; types that have a name lead to their description. @param {Document} api @param {Schema} schema @returns {(Node | string)[]} */
function typeOf(api, schema) {
  const name = schema.$ref?.split('/').pop();
  if (name) return [element('a', { href: `#type-${name}` }, name)];
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(' | ')];
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return separated(choices.map((choice) => typeOf(api, choice)));
  const types = [schema.type ?? 'any'].flat().map((type) => (type === 'array' ? [...typeOf(api, schema.items ?? {}), '[]'] : [type]));
  const range = [schema.minimum, schema.maximum].some((end) => end !== undefined) ? ` ${schema.minimum ?? ''}…${schema.maximum ?? ''}` : '';
  return [...separated(types), range];
}

/** A table of an object's fields, or the type of anything else.
 * @param {Document} api @param {string} caption @param {Schema} schema @param {string} of what it belongs to @param {boolean} sent whether a caller sends it */
function fields(api, caption, schema, of, sent = false) {
  const whole = resolve(api, schema);
  const entries = Object.entries(whole.properties ?? {});
  if (!whole.properties) return element('p', {}, `${caption} `, element('code', {}, ...typeOf(api, schema.$ref ? whole : schema)));
  if (!entries.length) return element('p', {}, `${caption} An empty object.`);
  const head = element('tr', {}, ...['Field', 'Type', 'Meaning'].map((text) => element('th', { scope: 'col' }, text)));
  const rows = entries.map(([name, field]) => element('tr', {},
    element('th', { scope: 'row' }, element('code', {}, name), sent && whole.required?.includes(name) ? ' (required)' : ''),
    element('td', {}, element('code', {}, ...typeOf(api, /** @type {Schema} */ (field)))),
    element('td', {}, ...prose(/** @type {Schema} */ (field).description ?? resolve(api, field).description ?? ''))));
  const table = element('table', {}, element('caption', {}, caption), element('thead', {}, head), element('tbody', {}, ...rows));
  return element('div', { class: 'table', role: 'region', tabindex: '0', 'aria-label': `${of}: ${caption}` }, table);
}

/** One operation. @param {Document} api @param {string} path @param {string} method @param {Operation} operation */
function describe(api, path, method, operation) {
  const title = operation.summary ?? operation.description ?? '';
  const about = [];
  if (operation.description && operation.description !== title) about.push(element('p', {}, ...prose(operation.description)));
  if (operation.parameters?.length) {
    const properties = Object.fromEntries(operation.parameters.map((each) => [each.name, { ...each.schema, description: each.description }]));
    const required = operation.parameters.filter((each) => each.required).map((each) => each.name);
    about.push(fields(api, 'Query', { properties, required }, path, true));
  }
  const body = operation.requestBody?.content?.['application/json']?.schema;
  if (body) about.push(fields(api, 'Body', body, path, true));
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => ({ status, ...resolve(api, answer) }));
  const refused = answers.filter(({ status }) => !/^[123]/.test(status));
  for (const { status, description, content } of answers.filter((answer) => !refused.includes(answer))) {
    const schema = content?.['application/json']?.schema;
    const data = schema && (resolve(api, schema).properties?.data ?? schema);
    const caption = `Answer ${status}: ${description ?? ''}`;
    about.push(data ? fields(api, caption, data, `${method} ${path}`) : element('p', {}, caption));
  }
  if (refused.length) {
    const entries = refused.flatMap(({ status, description }) => [element('dt', {}, status), element('dd', {}, ...prose(description ?? ''))]);
    about.push(element('p', {}, 'When it is not carried out:'), element('dl', {}, ...entries));
  }
  const flags = method === 'get' ? '' : ` -X ${method.toUpperCase()}`;
  const sent = body ? ` -d '{…}'` : '';
  about.push(element('pre', {}, `curl${flags} -H "Authorization: Bearer $CODE"${sent} ${location.origin}${path}`));
  const summary = element('summary', {}, element('code', {}, `${method.toUpperCase()} ${path}`), ' ', element('span', { class: 'text' }, ...prose(title)));
  const details = element('details', {}, summary, ...about);
  details.dataset.words = `${path} ${title}`.toLowerCase();
  return details;
}

/** A section with its heading. @param {string} tag @param {HTMLElement[]} content */
function section(tag, content) {
  const id = `section-${tag}`;
  return element('section', { 'aria-labelledby': id }, element('h2', { id }, tag), ...content);
}

/** A named type. @param {Document} api @param {string} name @param {Schema} schema */
function describeType(api, name, schema) {
  const summary = element('summary', {}, element('code', {}, name));
  const details = element('details', { id: `type-${name}` }, summary, element('p', {}, ...prose(schema.description ?? '')), fields(api, 'Content', schema, name));
  details.dataset.words = `${name} ${schema.description ?? ''}`.toLowerCase();
  return details;
}

/** Everything, by tag, and then the types. @param {Document} api @param {HTMLElement} into */
function show(api, into) {
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = item[method].tags?.[0] ?? 'other';
      groups.set(tag, [...(groups.get(tag) ?? []), describe(api, path, method, item[method])]);
    }
  }
  const types = Object.entries(api.components?.schemas ?? {}).map(([name, schema]) => describeType(api, name, schema));
  for (const [tag, content] of [...groups, /** @type {const} */ (['types', types])]) into.append(section(tag, content));
}

/** Opens the type that a link leads to. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(target instanceof HTMLDetailsElement)) return;
  target.hidden = false;
  target.closest('section')?.removeAttribute('hidden');
  target.open = true;
  target.scrollIntoView();
  target.querySelector('summary')?.focus();
}

/** Shows only what contains all the words. @param {HTMLElement} into @param {string} text @param {HTMLElement} count */
function filter(into, text, count) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const group of into.querySelectorAll('section')) {
    let any = false;
    for (const operation of group.querySelectorAll('details')) {
      operation.hidden = !words.every((word) => operation.dataset.words?.includes(word));
      shown += operation.hidden ? 0 : 1;
      any ||= !operation.hidden;
    }
    group.hidden = !any;
  }
  count.textContent = shown === 1 ? '1 entry' : `${shown} entries`;
}

const [about, operations, input, count] = ['about', 'operations', 'filter', 'count']
  .map((id) => /** @type {HTMLElement} */ (document.getElementById(id)));
try {
  const answer = await fetch('/api/openapi.json');
  if (!answer.ok) throw new Error(`the box answered ${answer.status}`);
  const api = /** @type {Document} */ (await answer.json());
  about.replaceChildren(...prose(`Version ${api.info.version}. ${api.info.description ?? ''}`));
  show(api, operations);
  filter(operations, '', count);
  openTarget();
  window.addEventListener('hashchange', openTarget);
  input.addEventListener('input', () => filter(operations, /** @type {HTMLInputElement} */ (input).value, count));
} catch (error) {
  about.textContent = `The description could not be read: ${error instanceof Error ? error.message : error}`;
}
