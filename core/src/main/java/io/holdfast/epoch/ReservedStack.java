// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

/**
 * Makes sure that what comes next does not run out of stack halfway: a {@link StackOverflowError} comes here, while
 * nothing is announced yet, or not at all. For the beginnings of whatever has to be undone or ended again.
 *
 * <p>To undo is not always possible where the doing was: compiled code needs less stack than interpreted code, and what was
 * never undone before is interpreted, in the frame that threw and in those that it calls. So who begins looks whether
 * there is room for both. It needs several sizes: an undoing is an end, which looks for itself, inside of a beginning.
 */
public final class ReservedStack {
    /*
     * Java has no call that tells how much stack is left. A method with many local variables has a large frame in the
     * interpreter, which is made when it is called. Compiled, it has a small one; but HotSpot touches as much stack on
     * entry as its interpreted form would need, because it may have to go on there, at the branch that is never taken.
     * That costs an instruction for each page, in the caller if the method is inlined into it, and no loop or call,
     * whatever size is asked for. Compiled code touches whole pages: less than one would be no reserve at all. A compiled
     * method that makes sure of some room, far down, asks for it on entry: so who calls it later must have made sure of
     * more.
     *
     * ReservedStackTest fails when interpreter or compilers do otherwise. A chain of calls would not do: compiled, their
     * frames are small, and what each touches does not add up.
     */
    private ReservedStack() {
    }

    /** Makes sure of eight kilobytes; the address, of a record or slot, is not 0. */
    @SuppressWarnings("UnusedVariable")
    public static void forBeginning(final long address) {
        long w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15;
        long w16, w17, w18, w19, w20, w21, w22, w23, w24, w25, w26, w27, w28, w29, w30, w31;
        long w32, w33, w34, w35, w36, w37, w38, w39, w40, w41, w42, w43, w44, w45, w46, w47;
        long w48, w49, w50, w51, w52, w53, w54, w55, w56, w57, w58, w59, w60, w61, w62, w63;
        long w64, w65, w66, w67, w68, w69, w70, w71, w72, w73, w74, w75, w76, w77, w78, w79;
        long w80, w81, w82, w83, w84, w85, w86, w87, w88, w89, w90, w91, w92, w93, w94, w95;
        long w96, w97, w98, w99, w100, w101, w102, w103, w104, w105, w106, w107, w108, w109, w110, w111;
        long w112, w113, w114, w115, w116, w117, w118, w119, w120, w121, w122, w123, w124, w125, w126, w127;
        long w128, w129, w130, w131, w132, w133, w134, w135, w136, w137, w138, w139, w140, w141, w142, w143;
        long w144, w145, w146, w147, w148, w149, w150, w151, w152, w153, w154, w155, w156, w157, w158, w159;
        long w160, w161, w162, w163, w164, w165, w166, w167, w168, w169, w170, w171, w172, w173, w174, w175;
        long w176, w177, w178, w179, w180, w181, w182, w183, w184, w185, w186, w187, w188, w189, w190, w191;
        long w192, w193, w194, w195, w196, w197, w198, w199, w200, w201, w202, w203, w204, w205, w206, w207;
        long w208, w209, w210, w211, w212, w213, w214, w215, w216, w217, w218, w219, w220, w221, w222, w223;
        long w224, w225, w226, w227, w228, w229, w230, w231, w232, w233, w234, w235, w236, w237, w238, w239;
        long w240, w241, w242, w243, w244, w245, w246, w247, w248, w249, w250, w251, w252, w253, w254, w255;
        long w256, w257, w258, w259, w260, w261, w262, w263, w264, w265, w266, w267, w268, w269, w270, w271;
        long w272, w273, w274, w275, w276, w277, w278, w279, w280, w281, w282, w283, w284, w285, w286, w287;
        long w288, w289, w290, w291, w292, w293, w294, w295, w296, w297, w298, w299, w300, w301, w302, w303;
        long w304, w305, w306, w307, w308, w309, w310, w311, w312, w313, w314, w315, w316, w317, w318, w319;
        long w320, w321, w322, w323, w324, w325, w326, w327, w328, w329, w330, w331, w332, w333, w334, w335;
        long w336, w337, w338, w339, w340, w341, w342, w343, w344, w345, w346, w347, w348, w349, w350, w351;
        long w352, w353, w354, w355, w356, w357, w358, w359, w360, w361, w362, w363, w364, w365, w366, w367;
        long w368, w369, w370, w371, w372, w373, w374, w375, w376, w377, w378, w379, w380, w381, w382, w383;
        long w384, w385, w386, w387, w388, w389, w390, w391, w392, w393, w394, w395, w396, w397, w398, w399;
        long w400, w401, w402, w403, w404, w405, w406, w407, w408, w409, w410, w411, w412, w413, w414, w415;
        long w416, w417, w418, w419, w420, w421, w422, w423, w424, w425, w426, w427, w428, w429, w430, w431;
        long w432, w433, w434, w435, w436, w437, w438, w439, w440, w441, w442, w443, w444, w445, w446, w447;
        long w448, w449, w450, w451, w452, w453, w454, w455, w456, w457, w458, w459, w460, w461, w462, w463;
        long w464, w465, w466, w467, w468, w469, w470, w471, w472, w473, w474, w475, w476, w477, w478, w479;
        long w480, w481, w482, w483, w484, w485, w486, w487, w488, w489, w490, w491, w492, w493, w494, w495;
        long w496, w497, w498, w499, w500, w501, w502, w503, w504, w505, w506, w507, w508, w509, w510, w511;
        if (address == 0) {
            throw new IllegalArgumentException("nothing to announce");
        }
    }

    /**
     * Makes sure of twice as much, for a beginning whose end goes through other beginnings: compiled together with these,
     * it asks for what they ask for on its own entry.
     */
    @SuppressWarnings("UnusedVariable")
    public static void forNested(final long address) {
        long w00, w01, w02, w03, w04, w05, w06, w07, w08, w09, w0a, w0b, w0c, w0d, w0e, w0f, w0g, w0h, w0i, w0j, w0k, w0l;
        long w0m, w0n, w0o, w0p, w0q, w0r, w0s, w0t, w0u, w0v, w10, w11, w12, w13, w14, w15, w16, w17, w18, w19, w1a, w1b;
        long w1c, w1d, w1e, w1f, w1g, w1h, w1i, w1j, w1k, w1l, w1m, w1n, w1o, w1p, w1q, w1r, w1s, w1t, w1u, w1v, w20, w21;
        long w22, w23, w24, w25, w26, w27, w28, w29, w2a, w2b, w2c, w2d, w2e, w2f, w2g, w2h, w2i, w2j, w2k, w2l, w2m, w2n;
        long w2o, w2p, w2q, w2r, w2s, w2t, w2u, w2v, w30, w31, w32, w33, w34, w35, w36, w37, w38, w39, w3a, w3b, w3c, w3d;
        long w3e, w3f, w3g, w3h, w3i, w3j, w3k, w3l, w3m, w3n, w3o, w3p, w3q, w3r, w3s, w3t, w3u, w3v, w40, w41, w42, w43;
        long w44, w45, w46, w47, w48, w49, w4a, w4b, w4c, w4d, w4e, w4f, w4g, w4h, w4i, w4j, w4k, w4l, w4m, w4n, w4o, w4p;
        long w4q, w4r, w4s, w4t, w4u, w4v, w50, w51, w52, w53, w54, w55, w56, w57, w58, w59, w5a, w5b, w5c, w5d, w5e, w5f;
        long w5g, w5h, w5i, w5j, w5k, w5l, w5m, w5n, w5o, w5p, w5q, w5r, w5s, w5t, w5u, w5v, w60, w61, w62, w63, w64, w65;
        long w66, w67, w68, w69, w6a, w6b, w6c, w6d, w6e, w6f, w6g, w6h, w6i, w6j, w6k, w6l, w6m, w6n, w6o, w6p, w6q, w6r;
        long w6s, w6t, w6u, w6v, w70, w71, w72, w73, w74, w75, w76, w77, w78, w79, w7a, w7b, w7c, w7d, w7e, w7f, w7g, w7h;
        long w7i, w7j, w7k, w7l, w7m, w7n, w7o, w7p, w7q, w7r, w7s, w7t, w7u, w7v, w80, w81, w82, w83, w84, w85, w86, w87;
        long w88, w89, w8a, w8b, w8c, w8d, w8e, w8f, w8g, w8h, w8i, w8j, w8k, w8l, w8m, w8n, w8o, w8p, w8q, w8r, w8s, w8t;
        long w8u, w8v, w90, w91, w92, w93, w94, w95, w96, w97, w98, w99, w9a, w9b, w9c, w9d, w9e, w9f, w9g, w9h, w9i, w9j;
        long w9k, w9l, w9m, w9n, w9o, w9p, w9q, w9r, w9s, w9t, w9u, w9v, wa0, wa1, wa2, wa3, wa4, wa5, wa6, wa7, wa8, wa9;
        long waa, wab, wac, wad, wae, waf, wag, wah, wai, waj, wak, wal, wam, wan, wao, wap, waq, war, was, wat, wau, wav;
        long wb0, wb1, wb2, wb3, wb4, wb5, wb6, wb7, wb8, wb9, wba, wbb, wbc, wbd, wbe, wbf, wbg, wbh, wbi, wbj, wbk, wbl;
        long wbm, wbn, wbo, wbp, wbq, wbr, wbs, wbt, wbu, wbv, wc0, wc1, wc2, wc3, wc4, wc5, wc6, wc7, wc8, wc9, wca, wcb;
        long wcc, wcd, wce, wcf, wcg, wch, wci, wcj, wck, wcl, wcm, wcn, wco, wcp, wcq, wcr, wcs, wct, wcu, wcv, wd0, wd1;
        long wd2, wd3, wd4, wd5, wd6, wd7, wd8, wd9, wda, wdb, wdc, wdd, wde, wdf, wdg, wdh, wdi, wdj, wdk, wdl, wdm, wdn;
        long wdo, wdp, wdq, wdr, wds, wdt, wdu, wdv, we0, we1, we2, we3, we4, we5, we6, we7, we8, we9, wea, web, wec, wed;
        long wee, wef, weg, weh, wei, wej, wek, wel, wem, wen, weo, wep, weq, wer, wes, wet, weu, wev, wf0, wf1, wf2, wf3;
        long wf4, wf5, wf6, wf7, wf8, wf9, wfa, wfb, wfc, wfd, wfe, wff, wfg, wfh, wfi, wfj, wfk, wfl, wfm, wfn, wfo, wfp;
        long wfq, wfr, wfs, wft, wfu, wfv, wg0, wg1, wg2, wg3, wg4, wg5, wg6, wg7, wg8, wg9, wga, wgb, wgc, wgd, wge, wgf;
        long wgg, wgh, wgi, wgj, wgk, wgl, wgm, wgn, wgo, wgp, wgq, wgr, wgs, wgt, wgu, wgv, wh0, wh1, wh2, wh3, wh4, wh5;
        long wh6, wh7, wh8, wh9, wha, whb, whc, whd, whe, whf, whg, whh, whi, whj, whk, whl, whm, whn, who, whp, whq, whr;
        long whs, wht, whu, whv, wi0, wi1, wi2, wi3, wi4, wi5, wi6, wi7, wi8, wi9, wia, wib, wic, wid, wie, wif, wig, wih;
        long wii, wij, wik, wil, wim, win, wio, wip, wiq, wir, wis, wit, wiu, wiv, wj0, wj1, wj2, wj3, wj4, wj5, wj6, wj7;
        long wj8, wj9, wja, wjb, wjc, wjd, wje, wjf, wjg, wjh, wji, wjj, wjk, wjl, wjm, wjn, wjo, wjp, wjq, wjr, wjs, wjt;
        long wju, wjv, wk0, wk1, wk2, wk3, wk4, wk5, wk6, wk7, wk8, wk9, wka, wkb, wkc, wkd, wke, wkf, wkg, wkh, wki, wkj;
        long wkk, wkl, wkm, wkn, wko, wkp, wkq, wkr, wks, wkt, wku, wkv, wl0, wl1, wl2, wl3, wl4, wl5, wl6, wl7, wl8, wl9;
        long wla, wlb, wlc, wld, wle, wlf, wlg, wlh, wli, wlj, wlk, wll, wlm, wln, wlo, wlp, wlq, wlr, wls, wlt, wlu, wlv;
        long wm0, wm1, wm2, wm3, wm4, wm5, wm6, wm7, wm8, wm9, wma, wmb, wmc, wmd, wme, wmf, wmg, wmh, wmi, wmj, wmk, wml;
        long wmm, wmn, wmo, wmp, wmq, wmr, wms, wmt, wmu, wmv, wn0, wn1, wn2, wn3, wn4, wn5, wn6, wn7, wn8, wn9, wna, wnb;
        long wnc, wnd, wne, wnf, wng, wnh, wni, wnj, wnk, wnl, wnm, wnn, wno, wnp, wnq, wnr, wns, wnt, wnu, wnv, wo0, wo1;
        long wo2, wo3, wo4, wo5, wo6, wo7, wo8, wo9, woa, wob, woc, wod, woe, wof, wog, woh, woi, woj, wok, wol, wom, won;
        long woo, wop, woq, wor, wos, wot, wou, wov, wp0, wp1, wp2, wp3, wp4, wp5, wp6, wp7, wp8, wp9, wpa, wpb, wpc, wpd;
        long wpe, wpf, wpg, wph, wpi, wpj, wpk, wpl, wpm, wpn, wpo, wpp, wpq, wpr, wps, wpt, wpu, wpv, wq0, wq1, wq2, wq3;
        long wq4, wq5, wq6, wq7, wq8, wq9, wqa, wqb, wqc, wqd, wqe, wqf, wqg, wqh, wqi, wqj, wqk, wql, wqm, wqn, wqo, wqp;
        long wqq, wqr, wqs, wqt, wqu, wqv, wr0, wr1, wr2, wr3, wr4, wr5, wr6, wr7, wr8, wr9, wra, wrb, wrc, wrd, wre, wrf;
        long wrg, wrh, wri, wrj, wrk, wrl, wrm, wrn, wro, wrp, wrq, wrr, wrs, wrt, wru, wrv, ws0, ws1, ws2, ws3, ws4, ws5;
        long ws6, ws7, ws8, ws9, wsa, wsb, wsc, wsd, wse, wsf, wsg, wsh, wsi, wsj, wsk, wsl, wsm, wsn, wso, wsp, wsq, wsr;
        long wss, wst, wsu, wsv, wt0, wt1, wt2, wt3, wt4, wt5, wt6, wt7, wt8, wt9, wta, wtb, wtc, wtd, wte, wtf, wtg, wth;
        long wti, wtj, wtk, wtl, wtm, wtn, wto, wtp, wtq, wtr, wts, wtt, wtu, wtv, wu0, wu1, wu2, wu3, wu4, wu5, wu6, wu7;
        long wu8, wu9, wua, wub, wuc, wud, wue, wuf, wug, wuh, wui, wuj, wuk, wul, wum, wun, wuo, wup, wuq, wur, wus, wut;
        long wuu, wuv, wv0, wv1, wv2, wv3, wv4, wv5, wv6, wv7, wv8, wv9, wva, wvb, wvc, wvd, wve, wvf, wvg, wvh, wvi, wvj;
        long wvk, wvl, wvm, wvn, wvo, wvp, wvq, wvr, wvs, wvt, wvu, wvv;
        if (address == 0) {
            throw new IllegalArgumentException("nothing to announce");
        }
    }

    /** Makes sure of half as much, a page, so that what began in the same frame can end there. */
    @SuppressWarnings("UnusedVariable")
    public static void forEnd(final long address) {
        long w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15;
        long w16, w17, w18, w19, w20, w21, w22, w23, w24, w25, w26, w27, w28, w29, w30, w31;
        long w32, w33, w34, w35, w36, w37, w38, w39, w40, w41, w42, w43, w44, w45, w46, w47;
        long w48, w49, w50, w51, w52, w53, w54, w55, w56, w57, w58, w59, w60, w61, w62, w63;
        long w64, w65, w66, w67, w68, w69, w70, w71, w72, w73, w74, w75, w76, w77, w78, w79;
        long w80, w81, w82, w83, w84, w85, w86, w87, w88, w89, w90, w91, w92, w93, w94, w95;
        long w96, w97, w98, w99, w100, w101, w102, w103, w104, w105, w106, w107, w108, w109, w110, w111;
        long w112, w113, w114, w115, w116, w117, w118, w119, w120, w121, w122, w123, w124, w125, w126, w127;
        long w128, w129, w130, w131, w132, w133, w134, w135, w136, w137, w138, w139, w140, w141, w142, w143;
        long w144, w145, w146, w147, w148, w149, w150, w151, w152, w153, w154, w155, w156, w157, w158, w159;
        long w160, w161, w162, w163, w164, w165, w166, w167, w168, w169, w170, w171, w172, w173, w174, w175;
        long w176, w177, w178, w179, w180, w181, w182, w183, w184, w185, w186, w187, w188, w189, w190, w191;
        long w192, w193, w194, w195, w196, w197, w198, w199, w200, w201, w202, w203, w204, w205, w206, w207;
        long w208, w209, w210, w211, w212, w213, w214, w215, w216, w217, w218, w219, w220, w221, w222, w223;
        long w224, w225, w226, w227, w228, w229, w230, w231, w232, w233, w234, w235, w236, w237, w238, w239;
        long w240, w241, w242, w243, w244, w245, w246, w247, w248, w249, w250, w251, w252, w253, w254, w255;
        if (address == 0) {
            throw new IllegalArgumentException("nothing to end");
        }
    }
}
