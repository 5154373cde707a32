import js from '@eslint/js'
import a11y from 'eslint-plugin-jsx-a11y'
import ts from 'typescript-eslint'

export default ts.config(js.configs.recommended, ...ts.configs.strict, a11y.flatConfigs.strict, {
  rules: {
    // a scrolling table must be reachable by keyboard: WCAG 2.1.1, axe rule scrollable-region-focusable
    'jsx-a11y/no-noninteractive-tabindex': ['error', { roles: ['region'], tags: [] }],
  },
})
