import { library } from '../../tools/tsup';

export default library({ browser: true });
