/** What the box says about updates, in words for people. */

/** @typedef {import('/client/state.d.ts').UpdateState} UpdateState */
/** @typedef {import('/client/state.d.ts').UpdateOutcome} UpdateOutcome */
/** @typedef {import('/client/state.d.ts').Trial} Trial */

/** @type {Record<import('/client/state.d.ts').Check, string>} */
export const CHECKS = { system: 'System', sound: 'Sound', page: 'This page', cloud: 'Cloud', data: 'Storage' };

/** @type {Record<import('/client/state.d.ts').CheckResult, string>} */
export const RESULTS = { waiting: 'Under way', passed: 'Passed', failed: 'Failed', skipped: 'Not needed here' };

/** @type {Record<import('/client/state.d.ts').UpdateSource, string>} */
export const SOURCES = { url: 'fetched from an address', upload: 'sent by a person', hawkbit: 'ordered by a hawkBit server', device_update: 'ordered by Device Update for IoT Hub', other: 'brought by another program' };

/** @type {Array<[import('/client/state.d.ts').RestartPolicy, string]>} */
export const POLICIES = [['now', 'At once'], ['idle', 'When nothing plays'], ['window', 'In the hours set for it'], ['manual', 'When I say so']];

/** What the configuration says of restarts. @param {{ restart?: string, window?: string } | undefined} update */
export function configuredInWords({ restart = 'idle', window: hours = '' } = {}) {
  if (restart === 'window' && hours) return `Configured: in the hours ${hours.replace('-', ' to ')}.`;
  const label = POLICIES.find(([policy]) => policy === restart)?.[1];
  return label ? `Configured: ${label[0].toLowerCase()}${label.slice(1)}.` : '';
}

/** @type {Record<import('/client/state.d.ts').RestartPolicy, string>} */
const WAITS = {
  now: 'The box restarts at once.',
  idle: 'The box restarts by itself as soon as nothing has played for a while.',
  window: 'The box restarts by itself in the hours set for it.',
  manual: 'The box restarts when you say so.',
};

/** @param {import('/client/state.d.ts').PendingRestart} restart @param {string} [time] when, for people */
export function restartInWords({ policy, waiting_for: waitingFor }, time) {
  return [WAITS[policy], policy !== 'manual' && waitingFor && sentence(`It waits for ${waitingFor}`), time && `It restarts at ${time} at the latest.`].filter(Boolean).join(' ');
}

/** @param {string | null | undefined} version */
export const named = (version) => version || 'The update';

/** @param {import('/client/state.d.ts').Slot | null | undefined} slot */
export const slotName = (slot) => (slot ? slot.toUpperCase() : '–');

/** Checks that this box has no need of do not count. @param {Trial} trial */
export function passedInWords({ checks }) {
  const asked = checks.filter(({ result }) => result !== 'skipped');
  return `${asked.filter(({ result }) => result === 'passed').length} of ${asked.length} checks passed`;
}

/** @param {UpdateOutcome} outcome */
export function outcomeInWords({ outcome, to_version: to, from_version: from }) {
  const version = named(to);
  switch (outcome) {
    case 'kept': return `${version} proved itself and stays.`;
    case 'rolled_back': return `${version} did not prove itself. The box went back to ${from || 'the system before it'}.`;
    case 'refused': return `${version} was refused. Nothing was changed.`;
    case 'failed': return `${version} was not installed. The running system was not touched.`;
    case 'cancelled': return `${version} was called off. The running system was not touched.`;
    default: return `${version}: ${outcome}.`;
  }
}

/** Why more is fetched than was asked for. @param {string} cause */
export const fallbackInWords = (cause) => sentence(`The full image is taken in place of the delta: ${cause}`);

/** What goes on, in one line. @param {UpdateState} update */
export function phaseInWords({ phase, install, trial, version }) {
  const coming = named(install?.version);
  switch (phase) {
    case 'checking': return 'Checking whether the update and the box fit together';
    case 'installing': return `${coming} is being installed${install ? ` in slot ${slotName(install.slot)}` : ''}`;
    case 'installed': return `${coming} is installed and waits for a restart`;
    case 'restarting': return `Restarting into ${install?.version || 'the update'}`;
    case 'trial': return `${version || 'The new system'} is being tried${trial ? `: ${passedInWords(trial)}` : ''}`;
    default: return 'Nothing is being installed';
  }
}

/** How far the bytes are. @param {number} done @param {number | null | undefined} all */
export function amount(done, all) {
  if (!all) return size(done);
  const unit = UNITS.findLast(({ bytes }) => all >= bytes) ?? UNITS[0];
  return `${inUnit(done, unit)} of ${inUnit(all, unit)} ${unit.name}`;
}

const UNITS = [{ name: 'bytes', bytes: 1 }, { name: 'kB', bytes: 1000 }, { name: 'MB', bytes: 1_000_000 }, { name: 'GB', bytes: 1_000_000_000 }];

/** @param {number} bytes */
function size(bytes) {
  const unit = UNITS.findLast((each) => bytes >= each.bytes) ?? UNITS[0];
  return `${inUnit(bytes, unit)} ${unit.name}`;
}

/** @param {number} bytes @param {{ bytes: number }} unit */
function inUnit(bytes, { bytes: one }) {
  return (bytes / one).toFixed(one === 1_000_000_000 ? 2 : 0);
}

/** Begins with a capital, unless with a name such as a host's, and ends with a stop. @param {string} text */
export function sentence(text) {
  const trimmed = text.trim();
  if (!trimmed) return '';
  const first = /^\S+\.\w/.test(trimmed) ? trimmed[0] : trimmed[0].toUpperCase();
  return `${first}${trimmed.slice(1)}${/[.!?…]$/.test(trimmed) ? '' : '.'}`;
}
