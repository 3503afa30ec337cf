import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

const checkout = resolve(import.meta.dirname, '../..')

export interface CommandRun {
  readonly code: number | null
  readonly output: string
}

/** One of the product's own commands, run as a person would: `npm run <name> -- <args>`. */
export async function runCommand(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandRun> {
  const child = spawn('npm', ['run', '--silent', name, '--', ...args], {
    cwd: checkout,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const take = (chunk: string) => {
    output += chunk
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  const [code] = await once(child, 'close')
  return { code: typeof code === 'number' ? code : null, output }
}
