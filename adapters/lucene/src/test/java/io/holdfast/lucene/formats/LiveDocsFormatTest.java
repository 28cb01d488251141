// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene.formats;

import com.carrotsearch.randomizedtesting.annotations.ThreadLeakFilters;
import io.holdfast.lucene.BackgroundThreads;
import org.apache.lucene.codecs.Codec;
import org.apache.lucene.tests.index.BaseLiveDocsFormatTestCase;
import org.apache.lucene.tests.util.TestUtil;

/** Lucene's tests of deleted documents, on files that are regions. */
@ThreadLeakFilters(filters = BackgroundThreads.class)
public class LiveDocsFormatTest extends BaseLiveDocsFormatTestCase {
    @Override
    protected Codec getCodec() {
        return TestUtil.getDefaultCodec();
    }
}
