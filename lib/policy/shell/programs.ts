/** Programs that run other programs or code, by their names without a version. What they run is not analysed. */
const wrappers = new Set(
  (
    'env xargs sudo doas su runuser run0 pkexec sg newgrp login chroot nsenter unshare setpriv capsh systemd-run systemd-inhibit firejail bwrap flatpak snap ' +
    'nohup setsid nice ionice chrt taskset numactl timeout gtimeout stdbuf unbuffer script scriptreplay watch parallel entr caffeinate setarch linux32 linux64 i386 x86_64 ' +
    'prlimit cgexec time strace ltrace perf gdb lldb valgrind flock lockf start-stop-daemon daemonize dbus-run-session dbus-launch xvfb-run faketime proot ' +
    'fakeroot fakechroot torsocks proxychains tsocks sh bash rbash dash zsh ksh mksh fish csh tcsh ash yash elvish nu xonsh pwsh powershell cmd wsl busybox toybox ' +
    'python pypy perl ruby irb node nodejs deno bun php lua luajit tclsh wish expect awk gawk mawk nawk java jshell dotnet r rscript julia swift scala groovy kotlin ' +
    'runghc ghci osascript ts-node tsx guile racket sbcl clojure elixir iex erl octave gnuplot m4 ed ex vi vim nvim view vimdiff emacs emacsclient nano pico joe micro ' +
    'less more most man info pinfo tmux screen at batch crontab ssh scp sftp rsync telnet mosh nc ncat netcat socat docker podman nerdctl kubectl lxc vagrant ' +
    'ansible make gmake cmake ninja meson bazel scons npm npx yarn pnpm pnpx corepack pip pipx uv uvx poetry pipenv conda tox nox gem bundle rake cargo go mvn gradle ' +
    'ant sbt lein stack cabal nix nix-shell nix-env guix brew apt apt-get dpkg yum dnf rpm pacman apk gcc g++ cc c++ clang clang++ ld ld.so ld-linux ' +
    'ld-linux-x86-64.so mysql mariadb psql sqlite sqlite3 redis-cli mongo mongosh dc openssl open xdg-open start cscript wscript mshta rundll32 run-parts run-mailcap ' +
    'git-shell hg svn xterm pssh pdsh dialog ctags cpio ip busctl gio logrotate cron anacron inotifywait fswatch direnv mise asdf volta ' +
    'ldd pytest py.test jest vitest mocha nodemon watchexec concurrently mail mailx mutt sendmail ftp lftp tftp nmap tcpdump tshark w3m lynx links elinks ' +
    'tex latex pdflatex xelatex lualatex sensible-pager sensible-editor sensible-browser select-editor editor pager'
  ).split(' '),
)

/** Words of the shell that run text, or change what later words mean. */
const builtins = new Set(
  (
    'eval source . exec command builtin trap alias unalias enable hash shopt set unset export declare typeset local readonly let mapfile readarray getopts ' +
    'complete compgen compopt bind fc history coproc'
  ).split(' '),
)

/** Does this command run what is not analysed? */
export function runsOthers(name: string): boolean {
  const base = baseName(name)
  return builtins.has(name) || wrappers.has(base) || wrappers.has(base.replace(/[-_]?\d[\d.]*$/, ''))
}

/** `/bin/RM.exe` → `rm`: some file systems take them for one. */
export function baseName(name: string): string {
  return name
    .slice(name.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/\.(exe|com|bat|cmd)$/, '')
}
