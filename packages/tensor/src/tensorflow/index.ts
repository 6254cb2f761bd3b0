// `@imgcls/tensor/tensorflow`: where TensorFlow lies that `imgcls engines add tensorflow` has set up. For Node only.
export {
  installationFile,
  installationsFolder,
  type TensorflowInstallation,
  tensorflowInstallations,
} from './installation.ts';
