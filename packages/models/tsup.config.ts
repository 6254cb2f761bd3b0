import { library } from '../../tools/tsup';

export default library({ entry: ['src/index.ts', 'src/import-model.ts'] });
