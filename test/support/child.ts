import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

const checkout = resolve(import.meta.dirname, '../..')

export interface ChildRun {
  readonly process: ChildProcess
  /** Resolves with the first line of the output. */
  readonly firstLine: Promise<string>
  /** Resolves with exit code and everything that was printed. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>
}

/** Runs Node on its own, in the checkout: a script text with `-e`, or a file with arguments. */
export function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildRun {
  const child = spawn(
    process.execPath,
    args[0] === '-e' ? ['--input-type=module-typescript', ...args] : args,
    {
      cwd: checkout,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  const firstLine = new Promise<string>((found) => {
    const take = (chunk: Buffer) => {
      output += chunk.toString()
      const end = output.indexOf('\n')
      if (end >= 0) found(output.slice(0, end))
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
  })
  const ended = once(child, 'close').then(([code]) => ({
    code: typeof code === 'number' ? code : null,
    output,
  }))
  return { process: child, firstLine, ended }
}
