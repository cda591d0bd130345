/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Text is always text, never markup. `on…` properties are listeners; `data` and `vars` set data attributes and
 * custom properties; a boolean attribute is present or absent.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, any>} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'data') Object.assign(element.dataset, value);
    else if (key === 'vars') for (const [variable, text] of Object.entries(value)) element.style.setProperty(`--${variable}`, String(text));
    else if (key === 'value' || key === 'checked' || key === 'disabled' || key === 'hidden') Reflect.set(element, key, value);
    else if (key === 'class') element.className = value;
    else if (typeof value === 'boolean' && !key.startsWith('aria-')) element.toggleAttribute(key, value);
    else element.setAttribute(key, String(value));
  }
  element.append(...usable(children));
  return element;
}

/**
 * Replaces what is in an element.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...usable(children));
}

/** Text of the box in which `names` stand between backticks, as code. @param {string} text @returns {(string | HTMLElement)[]} */
export function withCode(text) {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? h('code', {}, part) : part)).filter(Boolean);
}

/** Sets the text only where it differs, so that screen readers and the layout are left alone. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} element @param {string} name @param {string | boolean} value */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** @param {(Child | Child[])[]} children @returns {(Node | string)[]} */
function usable(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== false).map((child) => (typeof child === 'number' ? String(child) : /** @type {Node | string} */ (child)));
}
