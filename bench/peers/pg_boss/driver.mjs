// pg-boss: jobs that start at their instant, and a worker that polls as often as it may.
import { readFileSync } from 'node:fs'
import { PgBoss } from 'pg-boss'

const wanted = JSON.parse(process.argv[2])
const url = new URL(wanted.url.replace('@/', '@localhost/'))
const boss = new PgBoss({
  database: url.pathname.slice(1), host: url.searchParams.get('host'), user: 'postgres', max: 10, schedule: false,
})
boss.on('error', (error) => { throw error })
await boss.start()
await boss.createQueue('deadlines')

const late = []
const options = { pollingIntervalSeconds: 0.5, batchSize: 1000 }
await boss.work('deadlines', options, async (jobs) => {
  for (const job of jobs) late.push(Date.now() / 1000 - job.data.due)
})

const begun = Date.now() / 1000
const first = begun + wanted.ahead
const jobs = Array.from({ length: wanted.count }, (_, number) => {
  const due = first + wanted.window * number / wanted.count
  return { data: { due }, startAfter: new Date(due * 1000) }
})
for (let at = 0; at < jobs.length; at += 1000) await boss.insert('deadlines', jobs.slice(at, at + 1000))
const created = Date.now() / 1000 - begun

const used = process.cpuUsage()
const until = first + wanted.window + wanted.patience
while (late.length < wanted.count && Date.now() / 1000 < until) {
  await new Promise((resolve) => setTimeout(resolve, 50))
}
const cpu = process.cpuUsage(used)

late.sort((a, b) => a - b)
const at = (share) => late.length ? late[Math.ceil(late.length * share) - 1] : null
console.log(JSON.stringify({
  count: late.length,
  wanted: wanted.count,
  // Date has milliseconds: half of one is no earliness.
  early: late.filter((seconds) => seconds < -0.001).length,
  p50: at(0.50),
  p99: at(0.99),
  most: at(1),
  created_in: created,
  on_time: created < wanted.ahead,
  cpu: (cpu.user + cpu.system) / 1e6,
  memory: Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[1]) * 4096,
}))
process.exit(0)
