// Works off jobs that do nothing, with the settings of Graphile Worker's own performance test; prints jobs a second.
import { Logger, makeWorkerUtils, run } from "graphile-worker";

const [connectionString, count] = process.argv.slice(2);
const jobs = Number(count);
const logger = new Logger(() => () => {});

const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();
const batch = 1000;
for (let first = 0; first < jobs; first += batch) {
  await utils.addJobs(
    Array.from({ length: Math.min(batch, jobs - first) }, (_, at) => ({
      identifier: "nothing",
      payload: { url: `https://host.example/repository/${first + at}` },
    })),
  );
}

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
