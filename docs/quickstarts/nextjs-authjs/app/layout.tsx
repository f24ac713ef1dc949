import { SessionProvider } from 'next-auth/react';
import type { ReactNode } from 'react';

import './style.css';

export const metadata = { title: 'Doorward with Auth.js' };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <SessionProvider>{children}</SessionProvider>
      </body>
    </html>
  );
}
