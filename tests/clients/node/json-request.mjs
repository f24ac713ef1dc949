// Calls of the JSON API, with the answer read.

export function getJson(url, headers = {}) {
  return answerTo(url, { headers });
}

export function postJson(url, body, headers = {}) {
  return answerTo(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function answerTo(url, init) {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
}
