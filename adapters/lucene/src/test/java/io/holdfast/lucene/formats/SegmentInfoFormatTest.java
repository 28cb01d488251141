// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene.formats;

import com.carrotsearch.randomizedtesting.annotations.ThreadLeakFilters;
import io.holdfast.lucene.BackgroundThreads;
import org.apache.lucene.codecs.Codec;
import org.apache.lucene.tests.index.BaseSegmentInfoFormatTestCase;
import org.apache.lucene.tests.util.TestUtil;
import org.apache.lucene.util.Version;

/** Lucene's tests of segment infos, on files that are regions. */
@ThreadLeakFilters(filters = BackgroundThreads.class)
public class SegmentInfoFormatTest extends BaseSegmentInfoFormatTestCase {
    @Override
    protected Codec getCodec() {
        return TestUtil.getDefaultCodec();
    }

    @Override
    protected Version[] getVersions() {
        return new Version[] {Version.LATEST};
    }
}
