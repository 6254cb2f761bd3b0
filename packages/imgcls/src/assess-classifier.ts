import type { Dataset } from '@imgcls/data';
import type { Classifier } from '@imgcls/io';
import { type Assessed, type Assessment, assess } from './assessment.ts';
import { assessMultiLabel, type MultiLabelAssessment } from './multi-label-assessment.ts';

/** Measures a classifier on a data set as it sees it, by its kind. */
export function assessClassifier(
  classifier: Classifier,
  dataset: Dataset,
  workers: number,
): Promise<Assessed<Assessment | MultiLabelAssessment>> {
  const { model, preprocessing, labels, multiLabel } = classifier;
  return multiLabel
    ? assessMultiLabel(classifier, dataset, workers)
    : assess(model, dataset, preprocessing, labels, workers);
}
