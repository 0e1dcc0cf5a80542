/** What a call of a tool can run: nothing that its arguments name, code that stands in files of the project or in packages, a task of the project, or code that is not usual. */
export type Runs = 'nothing' | 'code' | 'task' | 'other'

/** Calls of a tool that are known, by its first word. A call that fits no row is refused. */
export interface TaskRow {
  readonly program: string
  /** The first words that the row is about; `''` is none. Left out: any, or none. */
  readonly first?: string
  /** The second words, where those count too. */
  readonly second?: string
  readonly runs: Runs
  /** Options that may stand anywhere before `--`; a `=` at the end: with a value that follows, or is attached by `=`; `*`: with one attached. */
  readonly options?: string
  /** Every option may stand behind the words. */
  readonly anyOption?: true
  /** `@file` stands for options that are in a file. */
  readonly responseFiles?: true
  readonly like: string
}

/** How tasks of a project are usually called: `test`, `build:docs`, `prelint`. */
export const usualTask: RegExp =
  /^(?:pre|post)?(?:test|tests|build|lint|start|dev|serve|watch|format|fmt|typecheck|type-check|types|check|checks|clean|docs?|coverage|bench|benchmark|ci|e2e|unit|integration|compile|bundle|preview|storybook|generate|codegen|migrate|seed|release|validate|verify|audit|fix|install|setup|all|help|run|up|down|logs|deploy|prove|debug|package|dist|db|deps|tidy|vet|style|prettier|eslint|tsc|html|pdf|proto|gen|image|images|stop|restart|status|report|assets)(?:[:._-][\w:.-]+)?$/

const npmOptions =
  '-g --global -D --save-dev -S --save -E --save-exact -O --no-save -s --silent -q --quiet -y --yes --prod --production --omit= --include= --depth= --json --long -l -a --all ' +
  '--legacy-peer-deps --force -f --if-present --workspaces -ws --workspace= -w= --ignore-scripts --no-audit --no-fund --dry-run --prefer-offline --offline --parseable -p ' +
  '--package-lock-only --audit-level= --loglevel= --tag= --access= --verbose -d'
const yarnOptions =
  '--frozen-lockfile --immutable -D --dev -W -E --exact --silent -s --production --prod --offline --ignore-scripts -r --recursive -w -P --save-dev --prefer-offline --filter= --latest -L ' +
  '--no-frozen-lockfile --json --depth= -g --global'
const cargoOptions =
  '--release -r --all --workspace --all-features --no-default-features --features= -p= --package= --bin= --bins --example= --examples --test= --tests --lib --benches --bench= --all-targets -v ' +
  '-vv --verbose -q --quiet --locked --offline --frozen --no-run --no-deps --open --check --fix --allow-dirty -j= --jobs= --message-format= --depth --no-fail-fast --dry-run --doc'
const goOptions =
  '-v -race -run= -count= -cover -coverprofile= -o= -tags= -short -bench= -benchmem -timeout= -m -u -x -n -a -json -d -w -l -s -parallel= -p= -ldflags= -mod= -trimpath -failfast'
const dockerOptions =
  '-a --all -q --quiet -f --follow --tail= -n= --since= -t= --tag= --no-cache --pull --build -d --detach --format= --filter= --no-trunc -v --volumes --remove-orphans --rm --force -s --timestamps ' +
  '--no-stream --services --target= --force-recreate --no-deps --dry-run'
const kubeOptions =
  '-n= --namespace= -A --all-namespaces -o= --output= -w --watch -l= --selector= --context= --tail= -f --follow --since= -p --previous -c= --container= --sort-by= --show-labels --all-containers ' +
  '--dry-run= --no-headers --field-selector= --replicas= --timeout='
const pipOptions =
  '-r= --requirement= -U --upgrade --user -q --quiet --no-cache-dir --no-deps --pre -y --yes --outdated --format= -v --disable-pip-version-check --break-system-packages --dry-run'
const makeOptions =
  '-j -j* -B -k -s -n -i -C= --directory= --silent --dry-run --always-make --keep-going --jobs --jobs= --no-print-directory --debug -d'
const testOptions =
  '-v -vv -vvv -q -x -s -k= -m= --maxfail= --lf --ff --last-failed --failed-first --tb= --cov --cov= --cov-report= --durations= -n= --collect-only --co -rA -ra -rs --no-header --no-cov ' +
  '--timeout= -ra -xvs -xv -vs -sv -xs --pdb --verbose --quiet --exitfirst --strict-markers --disable-warnings'
const jestOptions =
  '--watch --watchAll --coverage --ci -i --runInBand -t= --testNamePattern= --testPathPattern= --verbose --silent -u --updateSnapshot --bail -b --maxWorkers= -w= --no-cache --no-coverage ' +
  '--passWithNoTests --onlyChanged -o --json --listTests --forceExit --detectOpenHandles --run --reporter= --ui --changed --findRelatedTests --grep= -g= --project= --headed'
const lintOptions =
  '--fix --write -w --check -c --ext= --quiet --cache --max-warnings= --max-warnings --noEmit --watch -p= --project= --build -b --version --init --list-different -l --pretty --outDir= --target= --strict ' +
  '--skipLibCheck --incremental --emitDeclarationOnly --declaration --listFiles --showConfig --traceResolution --ignore-path= --format= -f= --apply --no-error-on-unmatched-pattern --mode= --port= ' +
  '--host --open --production --log-level= -o= --output= --latest --dry-run'

/** By program and arguments. The tables of options leave out what runs a program that is named: `--script-shell`, `-exec`, `--config`. */
export const tasks: readonly TaskRow[] = [
  { program: 'npm', first: '', runs: 'nothing', options: npmOptions, like: 'npm' },
  {
    program: 'npm',
    first:
      'ls list la ll outdated view info show search audit ping whoami root prefix bin help why explain fund doctor dedupe prune owner dist-tag token team query sbom docs repo get',
    runs: 'nothing',
    options: npmOptions,
    like: 'npm ls --depth=0',
  },
  { program: 'npm', first: 'config c', second: 'get list ls', runs: 'nothing', options: npmOptions, like: 'npm config get registry' },
  { program: 'npm', first: 'cache', second: 'clean verify ls', runs: 'nothing', options: npmOptions, like: 'npm cache clean --force' },
  { program: 'npm', first: 'pkg', second: 'get', runs: 'nothing', options: npmOptions, like: 'npm pkg get version' },
  {
    program: 'npm',
    first:
      'test t tst start stop restart install i in add ci clean-install install-test it update up upgrade uninstall un remove rm rebuild link ln unlink pack publish version',
    runs: 'code',
    options: npmOptions,
    like: 'npm install --save-dev x',
  },
  { program: 'npm', first: 'init', second: '', runs: 'code', options: npmOptions, like: 'npm init -y' },
  { program: 'npm', first: 'run run-script', runs: 'task', options: npmOptions, like: 'npm run build' },
  { program: 'yarn', first: '', runs: 'code', options: yarnOptions, like: 'yarn' },
  { program: 'yarn', first: 'why list info outdated audit', runs: 'nothing', options: yarnOptions, like: 'yarn why x' },
  {
    program: 'yarn',
    first: 'install add remove upgrade up test start build lint dev',
    runs: 'code',
    options: yarnOptions,
    like: 'yarn add -D x',
  },
  { program: 'yarn', first: 'run', runs: 'task', options: yarnOptions, like: 'yarn run test' },
  { program: 'pnpm', first: 'why list ls outdated audit', runs: 'nothing', options: yarnOptions, like: 'pnpm list' },
  {
    program: 'pnpm',
    first: 'install i add remove rm update up test t start build lint dev',
    runs: 'code',
    options: yarnOptions,
    like: 'pnpm -r test',
  },
  { program: 'pnpm', first: 'run', runs: 'task', options: yarnOptions, like: 'pnpm run build' },
  { program: 'bun', first: 'install i add remove update test', runs: 'code', options: yarnOptions, like: 'bun test' },
  { program: 'bun', first: 'run', runs: 'task', options: yarnOptions, like: 'bun run build' },
  { program: 'jest', runs: 'code', options: jestOptions, like: 'jest --coverage x' },
  { program: 'vitest', runs: 'code', options: jestOptions, like: 'vitest run' },
  { program: 'mocha', runs: 'code', options: jestOptions, like: 'mocha test' },
  { program: 'pytest', runs: 'code', options: testOptions, like: 'pytest -k x tests' },
  { program: 'py.test', runs: 'code', options: testOptions, like: 'py.test' },
  { program: 'tox', runs: 'code', options: '-e= -r -p -q -v', like: 'tox -e py311' },
  { program: 'nox', runs: 'code', options: '-s= -l -r', like: 'nox -s tests' },
  {
    program: 'pip',
    first: 'list show freeze check search download cache debug help index',
    runs: 'nothing',
    options: pipOptions,
    like: 'pip list --outdated',
  },
  { program: 'pip', first: 'install wheel', second: '. ./ .. ../', runs: 'other', options: pipOptions, like: 'pip install .' },
  { program: 'pip', first: 'install uninstall wheel', runs: 'code', options: pipOptions, like: 'pip install -r x.txt' },
  { program: 'pip', first: 'install', runs: 'other', options: `${pipOptions} -e= --editable=`, like: 'pip install -e x' },
  {
    program: 'uv',
    first: 'sync lock add remove tree venv',
    runs: 'code',
    options: '--dev --all-extras --frozen --upgrade -q --extra= --group=',
    like: 'uv sync',
  },
  {
    program: 'uv',
    first: 'pip',
    second: 'install list sync compile show freeze',
    runs: 'code',
    options: pipOptions,
    like: 'uv pip install x',
  },
  {
    program: 'poetry',
    first: 'install update lock add remove show check build version',
    runs: 'code',
    options: '--no-root --sync --with= --without= --group= -G= --dev --tree -n',
    like: 'poetry install',
  },
  { program: 'pipenv', first: 'install lock sync graph', runs: 'code', options: '--dev -d --deploy', like: 'pipenv install' },
  {
    program: 'conda',
    first: 'list info install update create env activate',
    runs: 'code',
    options: '-n= --name= -y -c= --channel= -f= --file=',
    like: 'conda list',
  },
  { program: 'make', runs: 'task', options: makeOptions, like: 'make -j4 test' },
  { program: 'gmake', runs: 'task', options: makeOptions, like: 'gmake' },
  { program: 'ninja', runs: 'task', options: '-C= -j= -j* -v -n -k=', like: 'ninja -C build' },
  {
    program: 'cmake',
    runs: 'code',
    options:
      '-S= -B= -G= --build= --preset= --install= --target= -t= -j -j* --parallel --parallel= --config= -DCMAKE_BUILD_TYPE* --fresh --clean-first -Wno-dev',
    like: 'cmake --build build',
  },
  {
    program: 'cargo',
    first:
      'build b check c test t run r clippy fmt doc d bench clean update fetch tree metadata add remove publish package install search verify-project',
    runs: 'code',
    options: cargoOptions,
    like: 'cargo build --release',
  },
  {
    program: 'go',
    first: 'build test vet fmt get install run generate clean',
    runs: 'code',
    options: goOptions,
    like: 'go test -race ./...',
  },
  { program: 'go', first: 'version list env doc', runs: 'nothing', options: '-m -json -u -e', like: 'go version' },
  {
    program: 'go',
    first: 'mod',
    second: 'tidy download verify graph why init vendor',
    runs: 'nothing',
    options: '-v -x -m',
    like: 'go mod tidy',
  },
  {
    program: 'mvn',
    first: 'clean test package verify install compile site validate',
    runs: 'code',
    options: '-q -B -U -o -DskipTests -pl= -am --batch-mode -e -X -T=',
    like: 'mvn -q test',
  },
  {
    program: 'gradle',
    first: 'build test clean assemble check tasks run dependencies',
    runs: 'code',
    options: '--info --daemon --no-daemon -q --stacktrace --offline --parallel',
    like: 'gradle build',
  },
  {
    program: 'dotnet',
    first: 'build test run restore clean publish format',
    runs: 'code',
    options: '-c= --configuration= --no-build --no-restore -o= -v= --project=',
    like: 'dotnet test',
  },
  {
    program: 'bundle',
    first: 'install update list outdated check show',
    runs: 'code',
    options: '--jobs= --quiet --deployment',
    like: 'bundle install',
  },
  {
    program: 'gem',
    first: 'list search info install outdated environment',
    runs: 'code',
    options: '-v= --no-document --local --remote',
    like: 'gem list',
  },
  { program: 'rake', runs: 'task', options: '-T -n -s', like: 'rake test' },
  {
    program: 'composer',
    first: 'install update require remove show outdated validate dump-autoload',
    runs: 'code',
    options: '--no-dev --dev -o --optimize-autoloader -n',
    like: 'composer install',
  },
  {
    program: 'docker',
    first:
      'ps images logs inspect stats version info port top history diff search pull push tag stop start restart kill rm rmi df login logout',
    runs: 'nothing',
    options: dockerOptions,
    like: 'docker ps -a',
  },
  {
    program: 'docker',
    first: 'network volume image container system context',
    second: 'ls list inspect prune rm df info',
    runs: 'nothing',
    options: dockerOptions,
    like: 'docker image ls',
  },
  { program: 'docker', first: 'build', runs: 'code', options: dockerOptions, like: 'docker build -t x .' },
  {
    program: 'docker',
    first: 'compose',
    second: 'ps logs config images top version port ls',
    runs: 'nothing',
    options: dockerOptions,
    like: 'docker compose logs',
  },
  {
    program: 'docker',
    first: 'compose',
    second: 'up down build pull push stop start restart kill rm',
    runs: 'code',
    options: dockerOptions,
    like: 'docker compose up -d',
  },
  {
    program: 'docker-compose',
    first: 'ps logs config up down build pull stop start restart',
    runs: 'code',
    options: dockerOptions,
    like: 'docker-compose up -d',
  },
  {
    program: 'kubectl',
    first: 'get describe logs top version explain api-resources cluster-info events scale wait',
    runs: 'nothing',
    options: kubeOptions,
    like: 'kubectl get pods -n x',
  },
  {
    program: 'kubectl',
    first: 'config',
    second: 'current-context get-contexts view use-context',
    runs: 'nothing',
    options: kubeOptions,
    like: 'kubectl config current-context',
  },
  {
    program: 'kubectl',
    first: 'rollout',
    second: 'status history',
    runs: 'nothing',
    options: kubeOptions,
    like: 'kubectl rollout status x',
  },
  {
    program: 'apt',
    first: 'list search show policy',
    runs: 'nothing',
    options: '--installed --upgradable -a',
    like: 'apt list --installed',
  },
  { program: 'dpkg', runs: 'nothing', options: '-l -L -s -S --list --status', like: 'dpkg -l x' },
  {
    program: 'brew',
    first: 'list info search outdated doctor deps leaves config',
    runs: 'nothing',
    options: '--cask --formula --versions',
    like: 'brew list',
  },
  { program: 'ip', first: 'a addr address link l r route neigh', runs: 'nothing', options: '-br -4 -6 -s', like: 'ip -br addr' },
  {
    program: 'openssl',
    first: 'version rand dgst x509 sha256',
    runs: 'nothing',
    options: '-a -hex -base64 -in -noout -text -sha256 -dates -subject -issuer -enddate',
    like: 'openssl rand -hex 16',
  },
  { program: 'tsc', runs: 'code', options: lintOptions, like: 'tsc --noEmit' },
  { program: 'eslint', runs: 'code', options: lintOptions, like: 'eslint --fix src' },
  { program: 'prettier', runs: 'code', options: lintOptions, like: 'prettier --check .' },
  {
    program: 'gcc',
    runs: 'code',
    responseFiles: true,
    options: '-o= -O0 -O1 -O2 -O3 -Os -g -Wall -Wextra -Werror -pedantic -c -S -E -std* -I* -L* -l* -D* -pthread -static -shared -fPIC',
    like: 'gcc -Wall -o a a.c',
  },
  {
    program: 'g++',
    runs: 'code',
    responseFiles: true,
    options: '-o= -O0 -O1 -O2 -O3 -Os -g -Wall -Wextra -Werror -pedantic -c -S -E -std* -I* -L* -l* -D* -pthread -static -shared -fPIC',
    like: 'g++ -std=c++17 -o a a.cc',
  },
  { program: 'javac', runs: 'code', responseFiles: true, options: '-d= -cp= -classpath= --release=', like: 'javac -d out X.java' },
  { program: 'java', runs: 'code', responseFiles: true, options: '-jar= -cp= -version -Xmx* -Xms*', like: 'java -jar x.jar' },
  {
    program: 'gh',
    first: 'pr issue repo run release status search label gist workflow',
    second:
      'list view create status checks diff comment close reopen merge edit review ready checkout clone fork sync watch download upload delete run rerun cancel repos prs issues code commits develop',
    runs: 'nothing',
    anyOption: true,
    like: 'gh pr create --title x',
  },
  { program: 'gh', first: 'auth', second: 'status token', runs: 'nothing', anyOption: true, like: 'gh auth status' },
]
