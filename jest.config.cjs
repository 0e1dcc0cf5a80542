module.exports = {
  testEnvironment: '<rootDir>/test/support/environment.cjs',
  testEnvironmentOptions: { customExportConditions: ['outrigger-source', 'require', 'node', 'default'] },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1', '^fast-check$': '<rootDir>/test/support/fast-check.cjs' },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/bench/node_modules/'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } }],
    // ESM only, and jest loads CommonJS.
    '/node_modules/(unbash|@apidevtools/json-schema-ref-parser)/.+\\.js$': [
      '@swc/jest',
      { jsc: { target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(unbash|@apidevtools/json-schema-ref-parser)/)'],
  maxWorkers: 2,
  // Ends a test that hangs, on a slow machine too; no test is about time.
  testTimeout: 120_000,
}
