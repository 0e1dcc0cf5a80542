/**
 * Programs that run other programs or code, by their names without a version. What they run is not analysed, unless a table of this folder says for
 * which arguments it is: `wrappers`, `interpreters`, `tasks`.
 */
export const runners: ReadonlySet<string> = new Set(
  (
    'env xargs sudo doas su runuser run0 pkexec sg newgrp login chroot nsenter unshare setpriv capsh systemd-run systemd-inhibit firejail bwrap flatpak snap ' +
    'nohup setsid nice ionice chrt taskset numactl timeout gtimeout stdbuf unbuffer script scriptreplay watch parallel entr caffeinate setarch linux32 linux64 i386 x86_64 ' +
    'prlimit cgexec time strace ltrace perf gdb lldb valgrind flock lockf start-stop-daemon daemonize dbus-run-session dbus-launch xvfb-run faketime proot ' +
    'fakeroot fakechroot torsocks proxychains tsocks sh bash rbash dash zsh ksh mksh fish csh tcsh ash yash elvish nu xonsh pwsh powershell cmd wsl busybox toybox ' +
    'python pypy perl ruby irb node nodejs deno bun php lua luajit tclsh wish expect awk gawk mawk nawk java jshell dotnet r rscript julia swift scala groovy kotlin ' +
    'runghc ghci osascript ts-node tsx guile racket sbcl clojure elixir iex erl octave gnuplot m4 ed ex vi vim nvim view rvim rview vimdiff emacs emacsclient nano pico joe micro ' +
    'less more most man info pinfo tmux screen at batch crontab ssh scp sftp rsync telnet mosh nc ncat netcat socat docker podman nerdctl kubectl lxc vagrant ' +
    'ansible make gmake cmake ninja meson bazel scons npm npx yarn pnpm pnpx bunx corepack pip pipx uv uvx poetry pipenv conda tox nox gem bundle rake cargo go mvn gradle ' +
    'ant sbt lein stack cabal nix nix-shell nix-env guix brew apt apt-get dpkg yum dnf rpm pacman apk gcc g++ cc c++ clang clang++ ld ld.so ld-linux ' +
    'ld-linux-x86-64.so mysql mariadb psql sqlite sqlite3 redis-cli mongo mongosh dc openssl open xdg-open start cscript wscript mshta rundll32 run-parts run-mailcap ' +
    'git-shell hg svn xterm pssh pdsh dialog ctags cpio ip busctl gio logrotate cron anacron inotifywait fswatch direnv mise asdf volta ' +
    'ldd pytest py.test jest vitest mocha nodemon watchexec concurrently mail mailx mutt sendmail ftp lftp tftp nmap tcpdump tshark w3m lynx links elinks ' +
    'tex latex pdflatex xelatex lualatex sensible-pager sensible-editor sensible-browser select-editor editor pager ' +
    'patch nsexec aa-exec chpst softlimit setuidgid envdir s6-setuidgid gosu su-exec tini dumb-init catchsegv rlwrap cabextract choom uclampset coresched setlogcons ' +
    'systemd-nspawn machinectl ansible-playbook hyperfine multitime chronic ifne ts zrun sponge pee vidir vipe errno lckdo mispipe winecmd wine qemu-user pexec ' +
    'sshpass autossh clush dsh cssh rsh rlogin rexec slogin ssh-agent ssh-add gpg-agent agetty getty telinit init openvt deallocvt setsebool runcon newrole dpkg-reconfigure ' +
    'byobu dtach abduco nohup.bin jexec posh rc es oksh loksh sash static-sh perlbug cpan cpanm perldoc pydoc pdb ipython bpython jupyter invoke fab celery gunicorn uwsgi ' +
    'flask django-admin just task mage grunt gulp lerna turbo nx rush foreman honcho overmind pm2 forever supervisord supervisorctl cscope vimtutor rg-edit view ranger mc nnn ' +
    'lf vifm nb jed mcedit kak hx helix gvim evim eview rvim view zsh-static installer osqueryi duckdb cockroach clickhouse impala-shell sqlcmd isql tsql bsqldb ' +
    'nsupdate aria2c youtube-dl yt-dlp mpv mplayer ffmpeg gs ghostscript convert magick latexmk texi2dvi groff troff nroff eqn tbl pic soelim dvips xdvi bpftrace bpftool stap ' +
    'dtrace ftrace uftrace rr gcore crash kgdb radare2 r2 rizin objection frida'
  ).split(' '),
)

/** Those of them of which `--version` and `--help`, alone, run nothing. */
export const tellVersion: ReadonlySet<string> = new Set(
  (
    'env xargs sudo timeout bash zsh fish python perl ruby node deno bun php lua java dotnet rscript julia docker podman kubectl make gmake cmake ninja npm npx yarn pnpm pip ' +
    'uv poetry cargo go mvn gradle gcc g++ clang clang++ mysql psql sqlite3 openssl ssh rsync vim nvim emacs tmux jest vitest mocha pytest bundle gem rake brew man less gdb strace ' +
    'gawk ts-node tsx parallel watch'
  ).split(' '),
)

/** Short options of some that tell the version and run nothing. */
export const shortVersion: ReadonlyMap<string, string> = new Map([
  ['node', '-v'],
  ['npm', '-v'],
  ['yarn', '-v'],
  ['pnpm', '-v'],
  ['perl', '-v'],
  ['ruby', '-v'],
  ['php', '-v'],
  ['python', '-V'],
  ['pip', '-V'],
  ['ssh', '-V'],
  ['mvn', '-v'],
])
