// SPDX-License-Identifier: MIT
// The next version of reminders-1.mjs: reminders can be done, and it ends when
// all are. It takes over what the old version had, or starts empty:
//
//   torpor upgrade reminders examples/reminders-2.mjs
//   torpor worker &
//   torpor signal reminders done 1
//   torpor signal reminders done 2
//   torpor show reminders
import { exportState, onUpgrade, signal } from "torpor:run";

let reminders = [];

// Called at once if this run was upgraded; 'from' says what it was before.
onUpgrade((state, from) => {
  if (state.version !== 1) throw new Error(`version ${state.version} is not known`);
  reminders = state.texts.map((text) => ({ text, done: false }));
  console.log(`took over ${reminders.length} reminders at step ${from.step}`);
});
exportState(() => ({ version: 2, reminders }));

const closing = new AbortController();
async function add(options) {
  for (;;) reminders.push({ text: await signal("add", options), done: false });
}

add({ signal: closing.signal }).catch(() => {}); // that is how it ends
while (reminders.length === 0 || reminders.some(({ done }) => !done)) {
  const reminder = reminders[(await signal("done")) - 1];
  if (reminder === undefined) continue;
  reminder.done = true;
  console.log(`done: ${reminder.text}`);
}
closing.abort();
export default reminders;
