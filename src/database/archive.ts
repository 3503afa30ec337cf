import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { type Entry, extract, type Pack, pack } from 'tar-stream'

const chunkBytes = 1024 * 1024
/** Data pages compress well even so, and a backup should be quick. */
const gzipLevel = 3

export interface ArchiveWriter {
  addFolder(name: string): Promise<void>
  addText(name: string, text: string): Promise<void>
  /** Takes the bytes that the file had at first sight, whatever happens to it meanwhile; false when it is not there. */
  addFile(name: string, path: string): Promise<boolean>
}

/** Writes a tar archive, gzipped, readable by its owner only. Complete and on disk once it resolves. */
export async function writeArchive(
  file: string,
  fill: (archive: ArchiveWriter) => Promise<void>,
): Promise<void> {
  const archive = pack()
  const written = pipeline(
    Readable.from(archive),
    createGzip({ level: gzipLevel }),
    createWriteStream(file, { mode: 0o600, flush: true }),
  )
  const filled = fill({
    addFolder: (name) => addBuffer(archive, { name: `${name}/`, type: 'directory' as const }, ''),
    addText: (name, text) => addBuffer(archive, { name }, text),
    addFile: (name, path) => addFile(archive, name, path),
  })
  try {
    // A full disk ends the writing first, and nobody takes what is filled in any more.
    await Promise.race([filled, written.then(() => filled)])
    archive.finalize()
    await written
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)))
    await Promise.allSettled([filled, written])
    throw error
  }
}

function addBuffer(
  archive: Pack,
  header: { readonly name: string; readonly type?: 'directory' },
  text: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, text, (error) => (error ? reject(error) : resolve()))
  })
}

async function addFile(archive: Pack, name: string, path: string): Promise<boolean> {
  const handle = await openIfThere(path)
  if (!handle) return false
  try {
    const { size } = await handle.stat()
    const done = Promise.withResolvers<void>()
    const entry = archive.entry({ name, size }, (error) => (error ? done.reject(error) : done.resolve()))
    done.promise.catch(() => undefined)
    for (let left = size; left > 0; ) {
      const chunk = Buffer.alloc(Math.min(left, chunkBytes))
      const { bytesRead } = await handle.read(chunk, 0, chunk.length)
      // A file that became shorter is filled up with zeros.
      const taken = bytesRead === 0 ? chunk : chunk.subarray(0, bytesRead)
      left -= taken.length
      if (!entry.write(taken)) await Promise.race([once(entry, 'drain'), done.promise])
    }
    entry.end()
    await done.promise
    return true
  } finally {
    await handle.close()
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/**
 * Hands the entries of an archive to `take`, one after the other; what it does not read is skipped.
 * @throws Error when the file is damaged, cut off, or names a path that leads out of its folder
 */
export async function readArchive(file: string, take: (entry: ArchiveEntry) => Promise<void>): Promise<void> {
  const archive = extract()
  const fed = pipeline(createReadStream(file), createGunzip(), archive)
  fed.catch(() => undefined)
  try {
    for await (const entry of archive) {
      const { name, type } = entry.header
      const folder = type === 'directory'
      if (!folder && type !== 'file')
        throw new Error(`${file} holds a ${type}, which a backup never does: ${name}`)
      await take({ name: safeName(file, name), folder, content: entry })
      entry.resume()
    }
    await fed
  } catch (error) {
    archive.destroy()
    throw error
  }
}

export interface ArchiveEntry {
  readonly name: string
  readonly folder: boolean
  readonly content: Entry
}

/** Writes an entry below `folder`, closed to all others. */
export async function extractEntry(entry: ArchiveEntry, folder: string, name = entry.name): Promise<void> {
  const path = join(folder, name)
  await mkdir(entry.folder ? path : dirname(path), { recursive: true, mode: 0o700 })
  if (!entry.folder)
    await pipeline(Readable.from(entry.content), createWriteStream(path, { mode: 0o600, flags: 'wx' }))
}

export async function readText(entry: ArchiveEntry, limitBytes = 64 * 1024): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of Readable.from(entry.content)) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > limitBytes) throw new Error(`${entry.name} is too long`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function safeName(file: string, name: string): string {
  const parts = name.replace(/\/$/, '').split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..' || /[\\\0]/.test(part)))
    throw new Error(`${file} names a path that leads elsewhere: ${name}`)
  return parts.join('/')
}
