/** @typedef {import('./context.js').Context} Context */

/**
 * Does something on the box and shows the reason if it fails. Answers whether it was done.
 * @param {Context} context
 * @param {() => Promise<unknown>} action
 * @param {string} [done] what to say when it was done
 */
export async function act({ toasts, announce }, action, done) {
  try {
    await action();
    if (done) {
      toasts.say(done);
      announce(done);
    }
    return true;
  } catch (error) {
    toasts.complain(error);
    return false;
  }
}

/**
 * Data for a view. Failures are shown, and answer with nothing; so does a view that was left meanwhile.
 * @template Data
 * @param {Context} context
 * @param {AbortSignal} signal
 * @param {() => Promise<Data>} question
 * @returns {Promise<Data | undefined>}
 */
export async function ask({ toasts }, signal, question) {
  try {
    const data = await question();
    return signal.aborted ? undefined : data;
  } catch (error) {
    if (!signal.aborted) toasts.complain(error);
    return undefined;
  }
}

/**
 * Sends only the newest of many values, one at a time: for sliders.
 * @template Value
 * @param {(value: Value) => Promise<unknown>} send
 * @param {(error: unknown) => void} failed
 */
export function newestOnly(send, failed) {
  /** @type {{ value: Value } | undefined} */
  let waiting;
  let busy = false;
  const pump = async () => {
    if (busy) return;
    busy = true;
    while (waiting) {
      const { value } = waiting;
      waiting = undefined;
      try {
        await send(value);
      } catch (error) {
        waiting = undefined;
        failed(error);
      }
    }
    busy = false;
  };
  return {
    /** @param {Value} value */
    send(value) {
      waiting = { value };
      return pump();
    },
    get busy() {
      return busy;
    },
  };
}
