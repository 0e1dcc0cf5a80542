/** A program that runs the command in its arguments, and how those are read. */
export interface WrapperRow {
  readonly program: string
  /** Words that come first: `poetry run`. */
  readonly words?: string
  /** Options without a value. */
  readonly flags?: string
  /** Options with a value: in the next argument, behind `=`, or attached to a letter. */
  readonly valued?: string
  /** How many arguments stand before the command: the seconds of `timeout`. */
  readonly operands?: number
  /** `NAME=value` may stand before the command. */
  readonly assignments?: boolean
  /** The command gets further arguments from the input. */
  readonly appends?: boolean
  /** What it runs is a tool of the project: code in files. */
  readonly code?: boolean
  /** The only commands that it may run; any other comes from elsewhere. */
  readonly only?: ReadonlySet<string>
  /** A call up to the command. */
  readonly like: string
}

/** The tools that `npx` may run: those of most projects. Any other name is code that comes from a registry. */
const npxTools = new Set(
  (
    'jest vitest mocha tsc eslint prettier biome playwright cypress vite webpack rollup esbuild next nuxt astro tsup stylelint knip depcheck typedoc rimraf c8 nyc ava tap prisma ' +
    'drizzle-kit turbo nx lerna changeset commitlint lint-staged husky markdownlint standard xo oxlint publint attw size-limit madge swc babel sass tailwindcss postcss svgo ' +
    'license-checker npm-check-updates ncu sort-package-json tsx ts-node'
  ).split(' '),
)

/** Wrappers whose command is judged like any other. An option that is not listed is refused, and so is every wrapper that is not. */
export const wrappers: readonly WrapperRow[] = [
  {
    program: 'timeout',
    flags: '--preserve-status --foreground -v --verbose',
    valued: '-s --signal -k --kill-after',
    operands: 1,
    like: 'timeout -k 5 10',
  },
  {
    program: 'gtimeout',
    flags: '--preserve-status --foreground -v --verbose',
    valued: '-s --signal -k --kill-after',
    operands: 1,
    like: 'gtimeout 10',
  },
  { program: 'nice', valued: '-n --adjustment', like: 'nice -n 10' },
  { program: 'nohup', like: 'nohup' },
  { program: 'env', flags: '-i --ignore-environment', valued: '-u --unset', assignments: true, like: 'env -u DEBUG A=1' },
  {
    program: 'xargs',
    flags: '-0 --null -r --no-run-if-empty',
    valued: '-n --max-args -P --max-procs -L -d --delimiter -I',
    appends: true,
    like: 'xargs -0 -n 1',
  },
  { program: 'command', like: 'command' },
  { program: 'poetry', words: 'run', code: true, like: 'poetry run' },
  { program: 'pipenv', words: 'run', code: true, like: 'pipenv run' },
  { program: 'uv', words: 'run', code: true, like: 'uv run' },
  { program: 'bundle', words: 'exec', code: true, like: 'bundle exec' },
  { program: 'npx', flags: '--no-install --no -y --yes', only: npxTools, code: true, like: 'npx --no-install' },
  { program: 'pnpm', words: 'exec', code: true, like: 'pnpm exec' },
]
