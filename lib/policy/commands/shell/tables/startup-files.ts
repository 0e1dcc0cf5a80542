/**
 * Files that make programs run something later: hooks and settings of git, start-up files of shells and tools. A command may not name one as what it
 * writes. Their names count in any folder and any letter case.
 */
const folders =
  '\\.git|\\.husky|\\.ssh|\\.githooks|\\.config|\\.local/bin|\\.vscode|\\.devcontainer|cron\\.d|cron\\.daily|cron\\.hourly|init\\.d|profile\\.d|systemd|autostart'
const names =
  'bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|zlogout|kshrc|cshrc|tcshrc|inputrc|gitconfig|gitattributes|npmrc|yarnrc|yarnrc\\.yml|' +
  'vimrc|exrc|gvimrc|emacs|envrc|mailcap|pythonrc|pythonstartup|perltidyrc|irbrc|gdbinit|lldbinit|lesskey|lessfilter|screenrc|tmux\\.conf|xinitrc|xprofile|xsession|wgetrc|curlrc|netrc|pam_environment'
const hooks =
  'applypatch-msg|pre-applypatch|post-applypatch|pre-commit|pre-merge-commit|prepare-commit-msg|commit-msg|post-commit|pre-rebase|post-checkout|post-merge|pre-push|pre-receive|update|' +
  'post-receive|post-update|push-to-checkout|pre-auto-gc|post-rewrite|sendemail-validate|fsmonitor-watchman|post-index-change'

const pattern: RegExp = new RegExp(
  `(?:^|[/=])(?:${folders})(?:/|$)|(?:^|[/=])\\.(?:${names})$|(?:^|[/=])hooks/(?:${hooks})$|^/(?:etc|bin|sbin|usr|lib|lib64|boot|root)(?:/|$)`,
  'i',
)

/** Does a program read this file when it starts, or at a later occasion, and run what it says? Doubled slashes and `.` in the path do not hide it. */
export function isStartupFile(path: string): boolean {
  return pattern.test(path.replace(/\/+(?:\.\/+)*/g, '/').replace(/^\.\//, ''))
}
