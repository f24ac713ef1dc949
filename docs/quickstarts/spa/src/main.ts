import { callBackend, finishSignIn, freshUser, signIn, signOut } from './sign-in';

const show = (id: string, text: string) => (document.getElementById(id)!.textContent = text);
const onClick = (id: string, act: () => Promise<unknown>) =>
  document.getElementById(id)!.addEventListener('click', () => act().catch(error => show('problem', String(error))));

onClick('sign-in', signIn);
onClick('sign-out', signOut);
onClick('refresh', render);
onClick('call', async () => {
  const answer = await callBackend(import.meta.env.VITE_BACKEND ?? '/');
  show('answer', String(answer.status));
});

async function render() {
  const user = await freshUser();
  document.body.dataset.signedIn = String(user !== null);
  show('who', user ? `${user.profile.email}, ${user.profile.role}` : 'Nobody is signed in.');
}

finishSignIn().then(render).catch(error => show('problem', String(error)));
