import js from '@eslint/js'
import a11y from 'eslint-plugin-jsx-a11y'
import ts from 'typescript-eslint'

export default ts.config(js.configs.recommended, ...ts.configs.strict, a11y.flatConfigs.strict, {
  rules: {
    // a scrolling table must be reachable by keyboard: WCAG 2.1.1, axe rule scrollable-region-focusable
    'jsx-a11y/no-noninteractive-tabindex': ['error', { roles: ['region'], tags: [] }],
    // rows that a narrow screen lays out as blocks lose the roles that elements of a table have by themselves (docs/look.md)
    'jsx-a11y/no-redundant-roles': ['error', { thead: ['rowgroup'], tbody: ['rowgroup'] }],
    'jsx-a11y/no-interactive-element-to-noninteractive-role': ['error', { td: ['cell'] }],
  },
})
