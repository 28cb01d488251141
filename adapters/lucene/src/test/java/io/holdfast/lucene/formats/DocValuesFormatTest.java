// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene.formats;

import com.carrotsearch.randomizedtesting.annotations.ThreadLeakFilters;
import io.holdfast.lucene.BackgroundThreads;
import org.apache.lucene.codecs.Codec;
import org.apache.lucene.tests.index.BaseDocValuesFormatTestCase;
import org.apache.lucene.tests.util.TestUtil;

/** Lucene's tests of doc values, on files that are regions. */
@ThreadLeakFilters(filters = BackgroundThreads.class)
public class DocValuesFormatTest extends BaseDocValuesFormatTestCase {
    @Override
    protected Codec getCodec() {
        return TestUtil.getDefaultCodec();
    }
}
