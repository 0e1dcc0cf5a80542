import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compiled } from '../support/compiled.js'

const run = promisify(execFile)
const vector = (name: string): string => join(__dirname, '../vectors/tls', name)

describe('a guarded fetch over TLS, pinned to an address (N19)', () => {
  let folder: string
  beforeAll(() => {
    folder = compiled({ program: join(__dirname, 'tls-program.ts') })
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** Runs where certificates would not be checked, if anybody asked the environment. */
  async function outcome(env: Readonly<Record<string, string>>) {
    const { stdout } = await run(process.execPath, [join(folder, 'program.js'), vector('key.pem'), vector('cert.pem')], {
      env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', ...env },
    })
    return JSON.parse(stdout) as { readonly port: number; readonly answers: readonly string[]; readonly asked: readonly string[] }
  }

  it('asks for its name and takes only the certificate of that name', async () => {
    const { port, answers, asked } = await outcome({ NODE_EXTRA_CA_CERTS: vector('cert.pem') })
    expect(answers).toEqual([`site.example.com:${port}`, 'ERR_TLS_CERT_ALTNAME_INVALID'])
    expect(asked).toEqual(['site.example.com', 'other.example.com'])
  })

  it('takes no certificate that nobody vouches for, whatever the environment says', async () => {
    const { answers } = await outcome({})
    expect(answers).toEqual(['DEPTH_ZERO_SELF_SIGNED_CERT', 'DEPTH_ZERO_SELF_SIGNED_CERT'])
  })
})
