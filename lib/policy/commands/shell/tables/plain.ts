/**
 * Programs and words of the shell that are known to run none that their arguments or their input name, but for the options in `perilous-options`.
 * Any other program is taken for one that might.
 */
export const plain: ReadonlySet<string> = new Set(
  (
    'ls dir vdir cat tac head tail wc nl od xxd hexdump hd strings base32 base64 basenc md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum shasum md5 cksum sum ' +
    'echo printf true false test [ : cd pwd pushd popd dirs mkdir rmdir rm cp mv ln link unlink touch chmod chown chgrp mktemp mkfifo stat file readlink realpath basename ' +
    'dirname du df sync truncate dd install shred tee sort uniq cut paste join comm tr expand unexpand fold fmt pr rev shuf split csplit tsort seq factor numfmt date cal ncal ' +
    'sleep yes wait kill killall pkill pgrep pidof ps top uptime free vmstat iostat lscpu lsblk lsof lsusb lspci who w users last whoami id groups logname tty uname arch ' +
    'hostname nproc getconf locale getent grep egrep fgrep zgrep rg ag ack fd fdfind find locate tree which whereis type diff cmp sdiff diff3 colordiff jq yq xmllint column ' +
    'tput clear stty gzip gunzip zcat bzip2 bunzip2 bzcat xz unxz xzcat zstd unzstd zstdcat lz4 zip unzip tar sed gsed curl wget ping ping6 dig nslookup host whois ' +
    'traceroute ss netstat ifconfig git read exit return break continue shift jobs bg fg disown umask ulimit times bc expr printenv iconv dos2unix unix2dos envsubst getopt ' +
    'logger shellcheck'
  ).split(' '),
)

/** Those of them that put no text into a file, whatever their arguments: what they leave is no code. */
export const writeNothing: ReadonlySet<string> = new Set(
  (
    'ls cat tac head tail wc nl od hexdump hd strings md5sum sha1sum sha256sum sha512sum cksum echo printf true false test [ : cd pwd pushd popd dirs mkdir rmdir rm unlink ' +
    'touch chmod stat file readlink realpath basename dirname du df cut paste join comm tr expand fold fmt rev seq date sleep wait kill pkill pgrep pidof ps uptime free ' +
    'nproc whoami id groups hostname uname grep egrep fgrep rg tree which type diff cmp jq column tput clear ping exit return break continue shift jobs umask ulimit printenv ' +
    'export set command'
  ).split(' '),
)

/** Commands of git that put into files only what the repository holds already. */
export const gitWritesItsOwn: ReadonlySet<string> = new Set(
  'add branch checkout switch restore clean commit diff fetch pull push log merge rebase reset rev-parse show stash status tag describe ls-files blame clone'.split(
    ' ',
  ),
)
