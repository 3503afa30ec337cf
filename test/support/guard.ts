import { type ChildProcess, spawn } from 'node:child_process'

/** Ends a child when we are gone, however we went: a shell holds a pipe from us and kills once the pipe closes. */
export function guard(child: ChildProcess): void {
  if (child.pid === undefined) return
  const shell = spawn('/bin/sh', ['-c', `cat >/dev/null; kill -KILL ${child.pid} 2>/dev/null`], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.unref()
  // The number may be given to another process from now on.
  child.once('exit', () => shell.kill('SIGKILL'))
}
