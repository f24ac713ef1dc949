import type { ReactNode } from 'react';

import { Providers } from './providers';
import './style.css';

export const metadata = { title: 'Doorward with a login form of one’s own' };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <Providers>{children}</Providers>
      </body>
    </html>
  );
}
