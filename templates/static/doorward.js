// What the hosted pages can do without, and are kinder with.

for (const form of document.querySelectorAll("form[data-autosubmit]")) {
  // Going back to this page must not send an answer that was already used.
  const [visit] = performance.getEntriesByType("navigation");
  if (visit?.type !== "back_forward") HTMLFormElement.prototype.submit.call(form);
}

for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  const reveal = (shown) => {
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };

  button.hidden = false;
  button.addEventListener("mousedown", (event) => event.preventDefault()); // the caret stays in the field
  button.addEventListener("click", () => reveal(input.type === "password"));
  input.form.addEventListener("submit", () => reveal(false)); // else browsers do not take it for a password
}

for (const hint of document.querySelectorAll("[data-capslock-for]")) {
  const input = document.getElementById(hint.dataset.capslockFor);
  const say = (text) => {
    if (hint.textContent !== text) hint.textContent = text;
  };
  const look = (event) => say(event.getModifierState?.("CapsLock") ? hint.dataset.text : "");

  input.addEventListener("keydown", look);
  input.addEventListener("keyup", look);
  input.addEventListener("blur", () => say(""));
}

// How hard a new password is to guess, roughly: what everybody types counts little. The server has the last word.
const ROWS = ["qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "1qaz2wsx3edc4rfv5tgb6yhn", "abcdefghijklmnopqrstuvwxyz"];
const RUNS = [...ROWS, ...ROWS.map((row) => [...row].reverse().join(""))];
const WORDS = /password|passwort|iloveyou|welcome|letmein|monkey|dragon|sunshine|princess|admin|login|doorward/g;

/** The length of a run that begins at `at`: a row of the keyboard, the alphabet, one letter again and again. */
const runAt = (text, at) => {
  let length = 1;
  while (text[at + length] === text[at]) length += 1;
  while (RUNS.some((run) => at + length < text.length && run.includes(text.slice(at, at + length + 1)))) length += 1;
  return length;
};

/** The length that is left when runs and common words count as two letters each. */
const weight = (password) => {
  const text = password.toLowerCase().replace(WORDS, "\u0000\u0001");
  let left = 0;
  for (let at = 0; at < text.length; ) {
    const run = runAt(text, at);
    left += run < 3 ? run : 2;
    at += run;
  }
  return Math.min(left, 2 * new Set(text).size);
};

for (const meter of document.querySelectorAll("[data-strength-for]")) {
  const input = document.getElementById(meter.dataset.strengthFor);
  meter.hidden = false; // it has its line from the start, so that nothing jumps

  input.addEventListener("input", () => {
    const { weak, fair, good } = meter.dataset;
    const left = weight(input.value);
    const length = [...input.value.normalize("NFC")].length;
    const says = length < input.minLength || left < 8 ? weak : left < 12 ? fair : good;
    meter.textContent = input.value === "" ? "" : says;
  });
}

// A preview follows what is typed, as its button would make it.
for (const form of document.querySelectorAll("form[data-preview]")) {
  const button = document.getElementById(form.dataset.preview);
  let due;

  form.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(() => form.checkValidity() && form.requestSubmit(button), 300);
  });
}

// What is wrong with a field, as far as the server can tell while it is typed.
for (const input of document.querySelectorAll("input[data-check]")) {
  const said = document.getElementById(`${input.name}-problem`); // by the server, of what was sent
  const problem = said ?? document.createElement("p");
  problem.className = "problem quoting"; // it begins with what was typed
  problem.id = `${input.name}-problem`;
  problem.setAttribute("role", "status");
  if (!said) input.after(problem);
  input.setAttribute("aria-describedby", problem.id);
  let due;

  const say = (text) => {
    problem.textContent = text && `${input.value}: ${text}`;
    input.setAttribute("aria-invalid", String(text !== ""));
  };
  const look = async () => {
    const value = input.value.trim();
    if (value === "") return say("");
    const answer = await fetch(input.dataset.check + encodeURIComponent(value));
    if (answer.ok && value === input.value.trim()) say(await answer.text());
  };

  input.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(() => look().catch(() => say("")), 300);
  });
}

// What is pasted elsewhere has a button that copies it, where the clipboard is to be had.
for (const holder of navigator.clipboard ? document.querySelectorAll("[data-copy], pre[data-file]") : []) {
  const source = holder.matches("pre") ? holder : holder.querySelector(".whole");
  const button = document.createElement("button");
  const say = (text, label) => {
    button.textContent = text;
    button.setAttribute("aria-label", label);
  };
  const what = holder.dataset.copy ?? holder.dataset.file;
  const rest = () => say("Copy", `Copy ${what}`);

  button.type = "button";
  button.className = "copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      say("Copied", `Copied ${what}`);
    } catch {
      say("Not copied", `${what} could not be copied`);
    }
    setTimeout(rest, 2000);
  });
  rest();
  source.after(" ", button);
}
