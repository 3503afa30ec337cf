/** Registrable domains that say nothing about the company behind an address. Data: add to it freely. */

const set = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/u))

/** Mailboxes for everybody, and for the customers of an access provider. */
export const freeMailDomains = set(`
  gmail.com googlemail.com outlook.com outlook.fr outlook.de outlook.es outlook.it outlook.jp outlook.com.br
  hotmail.com hotmail.co.uk hotmail.fr hotmail.de hotmail.it hotmail.es hotmail.nl hotmail.be hotmail.ca hotmail.se
  hotmail.co.jp hotmail.com.br hotmail.com.ar hotmail.com.tr live.com live.co.uk live.fr live.de live.it live.nl
  live.be live.ca live.se live.dk live.no live.com.au live.com.mx live.jp msn.com windowslive.com passport.com
  yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.ca yahoo.co.in yahoo.in yahoo.co.jp yahoo.com.br
  yahoo.com.ar yahoo.com.au yahoo.com.mx yahoo.com.sg yahoo.com.hk yahoo.com.ph yahoo.com.tw yahoo.com.vn
  yahoo.co.id yahoo.co.nz yahoo.co.kr yahoo.gr yahoo.ie yahoo.pl yahoo.ro yahoo.se yahoo.no yahoo.dk ymail.com
  rocketmail.com myyahoo.com aol.com aol.co.uk aol.de aol.fr aim.com icloud.com me.com mac.com
  proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tutamail.com tuta.io tuta.com hushmail.com
  hush.com fastmail.com fastmail.fm mailfence.com zoho.com zohomail.com zohomail.eu mail.com email.com usa.com
  gmx.com gmx.de gmx.net gmx.at gmx.ch gmx.fr gmx.us web.de freenet.de t-online.de arcor.de 1und1.de online.de
  posteo.de mailbox.org mail.de email.de kabelmail.de vodafonemail.de aon.at chello.at bluewin.ch hispeed.ch
  orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr numericable.fr aliceadsl.fr voila.fr
  libero.it virgilio.it tiscali.it alice.it tin.it inwind.it iol.it fastwebnet.it poste.it
  telefonica.net terra.es ono.com sapo.pt clix.pt iol.pt netcabo.pt
  ziggo.nl kpnmail.nl planet.nl hetnet.nl home.nl xs4all.nl upcmail.nl casema.nl telenet.be skynet.be
  btinternet.com sky.com virginmedia.com ntlworld.com talktalk.net blueyonder.co.uk tiscali.co.uk eircom.net
  telia.com bredband.net spray.se online.no c2i.net get2net.dk mail.dk jubii.dk suomi24.fi luukku.com kolumbus.fi
  wp.pl o2.pl onet.pl onet.eu op.pl interia.pl interia.eu gazeta.pl tlen.pl poczta.fm seznam.cz email.cz centrum.cz
  volny.cz post.cz atlas.cz azet.sk zoznam.sk centrum.sk freemail.hu citromail.hu t-online.hu abv.bg mail.bg
  inbox.lv inbox.lt mail.ee hot.ee
  mail.ru bk.ru list.ru inbox.ru internet.ru yandex.ru yandex.com ya.ru rambler.ru lenta.ru ro.ru
  ukr.net i.ua meta.ua bigmir.net tut.by mynet.com ttmail.com walla.co.il walla.com
  qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com 139.com 189.cn tom.com 21cn.com
  naver.com daum.net hanmail.net nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com biglobe.ne.jp
  rediffmail.com rediff.com indiatimes.com sify.com pchome.com.tw hinet.net netvigator.com singnet.com.sg
  bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au xtra.co.nz telkomsa.net mweb.co.za vodamail.co.za
  uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com r7.com prodigy.net.mx
  comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net
  optonline.net frontier.com centurylink.net windstream.net roadrunner.com twc.com
  shaw.ca rogers.com sympatico.ca telus.net videotron.ca bell.net
  mailinator.com guerrillamail.com 10minutemail.com yopmail.com temp-mail.org trashmail.com sharklasers.com
`)

/** Sites on which companies have a page of their own: that page is theirs, the domain is not. */
export const sharedPlatforms = set(`
  facebook.com fb.com linkedin.com xing.com instagram.com twitter.com x.com youtube.com tiktok.com pinterest.com
  vk.com weibo.com google.com g.page goo.gl bit.ly linktr.ee about.me medium.com substack.com wordpress.com tumblr.com
  wix.com weebly.com squarespace.com jimdo.com jimdofree.com webnode.com yola.com strikingly.com godaddysites.com
  livejournal.com github.com gitlab.com behance.net etsy.com ebay.com amazon.com alibaba.com indiamart.com
  tradeindia.com made-in-china.com yelp.com tripadvisor.com crunchbase.com wikipedia.org yellowpages.com
`)

/** Suffixes of private registries that sell names to companies; every other private suffix is shared hosting. */
export const namesForSale = set(`
  uk.com us.com eu.com de.com br.com cn.com jpn.com ru.com sa.com za.com se.net uk.net gb.net hu.net jp.net in.net
  co.com mex.com africa.com ae.org us.org com.de com.se co.nl co.no com.co it.com gr.com
`)
