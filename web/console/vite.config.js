import { defineConfig } from 'vite'

export default defineConfig({
  // The page works below any path prefix.
  base: './',
  resolve: { conditions: ['chatbox-source', 'module', 'browser', 'production'] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // The server's content security policy allows no inline code and no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: 'hidden',
  },
})
