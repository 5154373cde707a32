import { defineConfig } from 'vite'

// One folder of plain files, taken into the station's binary. No inline script: the station's policy forbids it.
export default defineConfig({
  build: { outDir: 'dist', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/api': 'http://127.0.0.1:8441' } },
})
