// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import com.carrotsearch.randomizedtesting.annotations.ThreadLeakFilters;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.SearcherFactory;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.tests.index.ThreadedIndexingAndSearchingTestCase;
import org.apache.lucene.tests.util.TestUtil;

/** Threads that index, delete, refresh and search at the same time. */
@ThreadLeakFilters(filters = BackgroundThreads.class)
public class ThreadedSearchTest extends ThreadedIndexingAndSearchingTestCase {
    private SearcherManager manager;

    public void testSearcherManager() throws Exception {
        runTest("ThreadedSearchTest");
    }

    @Override
    protected void doSearching(final ExecutorService pool, final int iterations) throws Exception {
        final AtomicBoolean done = new AtomicBoolean();
        manager = new SearcherManager(writer, new SearcherFactory());
        final Thread refresher = new Thread(() -> {
            try {
                while (!done.get()) {
                    manager.maybeRefreshBlocking();
                    Thread.sleep(TestUtil.nextInt(random(), 1, 20));
                }
            } catch (final Exception e) {
                failed.set(true);
                throw new IllegalStateException(e);
            }
        }, "refresher");
        refresher.start();
        try {
            runSearchThreads(iterations);
        } finally {
            done.set(true);
            refresher.join();
        }
    }

    @Override
    protected IndexSearcher getCurrentSearcher() throws Exception {
        return manager.acquire();
    }

    @Override
    protected void releaseSearcher(final IndexSearcher searcher) throws Exception {
        manager.release(searcher);
    }

    @Override
    protected IndexSearcher getFinalSearcher() throws Exception {
        manager.maybeRefreshBlocking();
        return manager.acquire();
    }

    @Override
    protected void doClose() throws Exception {
        manager.close();
    }
}
