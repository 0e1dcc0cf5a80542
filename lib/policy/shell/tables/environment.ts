/**
 * Variables that make a safe program run something else: of the loader, of shells, of interpreters, of git, and those that name a program.
 */
const families =
  /^(?:LD|DYLD|GIT|BASH|PYTHON|PERL|RUBY|NODE|NPM_CONFIG|CARGO|RUST|GLIBC|MALLOC|ANTHROPIC|CLAUDE|OUTRIGGER|AWS|XDG|DOCKER|PIP|UV|GEM|BUNDLE|COMPOSER|JAVA|JDK|MAVEN|GRADLE|DENO|BUN|PHP|LUA|CONDA|SSL|SSH|OPENSSL|KRB5)_|^(?:PERL5|RUBY|PYTHON|NODE|MAKE|MAN|LESS|PS\d$)/
const single = new Set(
  (
    'PATH IFS ENV SHELL SHELLOPTS BASHOPTS BASH PROMPT_COMMAND HOME CDPATH PAGER EDITOR VISUAL FCEDIT BROWSER GLOBIGNORE HISTFILE INPUTRC ZDOTDIR ' +
    'JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS GOFLAGS CC CXX CPP SSH_ASKPASS SUDO_ASKPASS SUDO_EDITOR GCONV_PATH LOCPATH NLSPATH HOSTALIASES ' +
    'RES_OPTIONS LOCALDOMAIN RIPGREP_CONFIG_PATH TAR_OPTIONS GREP_OPTIONS ZIPOPT UNZIP RSYNC_RSH CVS_RSH SVN_SSH KUBECONFIG KUBE_EDITOR TERMINFO ' +
    'TERMCAP OPENSSL_CONF OPENSSL_ENGINES SSL_CERT_FILE SSL_CERT_DIR CURL_HOME WGETRC HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY FTP_PROXY TMPDIR ' +
    // Bash calculates what these are set to, and so runs a command that stands in a subscript.
    'RANDOM SRANDOM SECONDS OPTIND HISTCMD LINENO OPTERR BASHPID EPOCHSECONDS EPOCHREALTIME ' +
    'MAILPATH EXECIGNORE POSIXLY_CORRECT TIMEFORMAT DIRSTACK FUNCNEST GROUPS UID EUID PPID'
  ).split(' '),
)

/** Names a mode, and no program. */
const harmless = new Set(['NODE_ENV'])

/** Does this variable change what programs do? Letter case does not count. */
export function steersPrograms(variable: string): boolean {
  const name = variable.toUpperCase()
  return !harmless.has(name) && (single.has(name) || families.test(name))
}
