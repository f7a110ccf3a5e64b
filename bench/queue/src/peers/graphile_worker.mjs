// Works off jobs that do nothing, with the settings of Graphile Worker's own performance test; prints jobs a second.
import { Logger, makeWorkerUtils, run } from "graphile-worker";

const [connectionString, count] = process.argv.slice(2);
const jobs = Number(count);
const logger = new Logger(() => () => {});

const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();
await utils.withPgClient((client) =>
  client.query(
    `SELECT graphile_worker.add_job('nothing', json_build_object('url', 'https://host.example/repository/' || n))
       FROM generate_series(1, $1) AS n`,
    [jobs],
  ),
);

let ran = 0;
let allRan;
const finished = new Promise((resolve) => (allRan = resolve));
const began = process.hrtime.bigint();
const runner = await run({
  connectionString,
  logger,
  noHandleSignals: true,
  taskList: {
    nothing: () => {
      if (++ran === jobs) allRan();
    },
  },
  preset: {
    worker: {
      concurrentJobs: 24,
      maxPoolSize: 25,
      pollInterval: 2000,
      localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
});
await finished;
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
await runner.stop();
await utils.release();
console.log((jobs / seconds).toFixed(1));
