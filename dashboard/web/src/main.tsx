import { render } from 'solid-js/web';
import { App } from './app';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/pages.css';
import './styles/delivery.css';
import './styles/responses.css';

const root = document.getElementById('app');
if (root) render(() => <App />, root);
