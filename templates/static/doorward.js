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

// How hard a new password is to guess, as far as its length and variety tell; the server has the last word.
for (const hint of document.querySelectorAll("[data-strength-for]")) {
  const input = document.getElementById(hint.dataset.strengthFor);
  const advice = hint.textContent;
  hint.setAttribute("role", "status");

  input.addEventListener("input", () => {
    const variety = new Set(input.value).size;
    const { weak, fair, good } = hint.dataset;
    if (input.value === "") hint.textContent = advice;
    else if (input.value.length < 8 || variety < 5) hint.textContent = weak;
    else hint.textContent = input.value.length < 14 || variety < 8 ? fair : good;
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
  const problem = document.createElement("p");
  problem.className = "problem";
  problem.id = `${input.name}-problem`;
  problem.setAttribute("role", "status");
  input.after(problem);
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
