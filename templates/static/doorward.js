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
