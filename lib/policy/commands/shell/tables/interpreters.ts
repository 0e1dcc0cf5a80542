/** An interpreter that runs a file: its options that run nothing else, and how its files are usually called. */
export interface InterpreterRow {
  readonly program: string
  readonly flags: string
  /** The form of a file that is usually run by it. */
  readonly file: RegExp
  readonly like: string
}

/** Code in the arguments (`-c`, `-e`) or in the input is not analysed: it is refused. */
export const interpreters: readonly InterpreterRow[] = [
  { program: 'python', flags: '-u -B -O -OO -s -E -I -v', file: /\.py$/, like: 'python3 -u tools/x.py' },
  { program: 'pypy', flags: '-u -B -O', file: /\.py$/, like: 'pypy3 x.py' },
  {
    program: 'node',
    flags:
      '--test --check -c --watch --no-warnings --trace-warnings --trace-deprecation --trace-uncaught --enable-source-maps --expose-gc --unhandled-rejections ' +
      '--max-old-space-size --stack-trace-limit --experimental-strip-types --experimental-vm-modules --test-reporter --test-name-pattern --test-only',
    file: /\.[cm]?[jt]s$/,
    like: 'node --test x.mjs',
  },
  { program: 'nodejs', flags: '--no-warnings', file: /\.[cm]?js$/, like: 'nodejs x.js' },
  { program: 'ts-node', flags: '--esm --transpile-only -T', file: /\.[cm]?tsx?$/, like: 'ts-node x.ts' },
  { program: 'tsx', flags: '--test', file: /\.[cm]?tsx?$/, like: 'tsx x.ts' },
  { program: 'ruby', flags: '-w -W -c', file: /\.rb$/, like: 'ruby -w x.rb' },
  { program: 'perl', flags: '-w -c', file: /\.p[lm]$/, like: 'perl x.pl' },
  { program: 'php', flags: '-l', file: /\.php$|^artisan$/, like: 'php -l x.php' },
  { program: 'lua', flags: '-W', file: /\.lua$/, like: 'lua x.lua' },
  { program: 'rscript', flags: '--vanilla', file: /\.[rR]$/, like: 'Rscript x.R' },
  { program: 'julia', flags: '--project', file: /\.jl$/, like: 'julia x.jl' },
  { program: 'bash', flags: '-e -u -x -n -ex -eu -eux -xe', file: /\.(?:ba)?sh$/, like: 'bash -eu x.sh' },
  { program: 'sh', flags: '-e -u -x -n -ex -eu -eux -xe', file: /\.sh$/, like: 'sh x.sh' },
  { program: 'dash', flags: '-e -u -x -n', file: /\.sh$/, like: 'dash x.sh' },
  { program: 'zsh', flags: '-e', file: /\.(?:z|ba)?sh$/, like: 'zsh x.zsh' },
]

/** Modules of Python that run only code in files, by `python -m`. */
export const pythonModules: ReadonlySet<string> = new Set(
  'pytest unittest json.tool venv http.server compileall py_compile mypy black flake8 ruff isort pylint build coverage.report'.split(' '),
)

/** What a shell sources to work in the environment of a project. */
export const activation: RegExp = /^(?:\.\/)?\.?(?:venv|env)\/bin\/activate$/

/** Paths that are usually run: scripts of the project and of its tools. */
export const usualPath: RegExp =
  /^(?:(?:\.\/)?(?:[\w-][\w.-]*\/)*[\w-][\w.-]*\.sh|\.\/(?:gradlew|mvnw|configure|manage\.py)|(?:\.\/)?(?:node_modules\/\.bin|\.?venv\/bin|vendor\/bin|bin)\/[\w-][\w.-]*)$/
