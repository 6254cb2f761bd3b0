import { writeFileSync } from 'node:fs';
import { examineFolder } from '../src/index.ts';

// In a process of its own, whose memory can be measured: folder, file for the outcome.
const [folder, file] = process.argv.slice(2) as [string, string];
let calls = 0;
const report = await examineFolder(folder, { onProgress: () => calls++ });
writeFileSync(file, JSON.stringify({ report, calls, peakBytes: process.resourceUsage().maxRSS * 1024 }));
