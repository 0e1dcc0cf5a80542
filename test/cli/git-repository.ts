import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { newFolder } from './recorded.js'

/** A repository that is there for one test, on the git of the machine and without anybody's settings. */
export class GitRepository {
  readonly folder: string = newFolder()

  constructor() {
    this.git('init', '-q', '.')
  }

  /** What a command prints. @throws Error where it fails */
  git(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.#run(args)
    if (status !== 0) throw new Error(`git ${args[0]}: ${stderr}`)
    return stdout
  }

  /** Gives a stream to `git fast-import`. */
  import(stream: string | Buffer): { readonly code: number | null; readonly stderr: string } {
    const { status, stderr } = this.#run(['fast-import', '--quiet'], stream)
    return { code: status, stderr }
  }

  /** What `git fsck --strict` complains of. */
  faults(): string {
    const { stdout, stderr } = this.#run(['fsck', '--strict', '--no-dangling', '--no-progress'])
    return `${stdout}${stderr.replace(/^notice: .*\n/gm, '')}`
  }

  /** The ids of the commits, the oldest first. */
  commits(ref: string): readonly string[] {
    return this.git('rev-list', '--reverse', ref).trim().split('\n')
  }

  /** Each commit in this format, the oldest first. It must not print U+0000. */
  log(ref: string, format: string): readonly string[] {
    return this.git('log', '--reverse', '-z', `--format=tformat:${format}`, ref).split('\0').slice(0, -1)
  }

  /** The branches and tags. */
  refs(): readonly string[] {
    return this.git('for-each-ref', '--format=%(refname)').split('\n').filter(Boolean)
  }

  #run(
    args: readonly string[],
    input?: string | Buffer,
  ): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', GIT_DIR: join(this.folder, '.git') }
    return spawnSync('git', args, { cwd: this.folder, env, input, encoding: 'utf8', maxBuffer: 2 ** 28 })
  }
}
